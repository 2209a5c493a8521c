import test from 'ava';
import { allBlocks, blocksOfRound, cellsOf } from '../../src/plan/blocks.js';
import type { Arm, Plan } from '../../src/samples/record.js';

const names = ['stdio', 'read', 'cxx-stream', 'mmap-shared', 'mmap-private', 'pread', 'mmap-shared-populate', 'null'];

function arm(id: string, kind: Arm['kind']): Arm {
  return {
    id,
    kind,
    origin: 'built-in',
    module: null,
    moduleDigest: null,
    loader: id,
    label: id,
    mechanism: id,
    options: {},
    model: 'm',
    work: kind === 'ceiling' ? 'read' : 'infer',
    threads: 1,
    loadThreads: null,
    processes: 1,
    memoryLimit: null,
    context: 8,
    prompt: 1,
    generate: 1,
    isa: 'scalar',
    numa: null,
    pressure: null,
    build: 'b',
  };
}

const arms: Record<string, Arm> = Object.fromEntries([
  ...names.map((name) => [name, arm(name, 'loader')] as const),
  ['ceiling:device', arm('ceiling:device', 'ceiling')] as const,
  ['ceiling:memory', arm('ceiling:memory', 'ceiling')] as const,
]);

const plan = (seed: number): Plan => ({
  models: ['m'],
  arms: names,
  reference: { m: 'stdio' },
  ceilings: { m: { cold: 'ceiling:device', warm: 'ceiling:memory' } },
  homes: {},
  states: ['cold', 'warm'],
  memoryStates: ['backed'],
  rounds: 3,
  memoryRounds: 1,
  seed,
  timeoutNs: 1,
  timeBudgetNs: null,
  loadersNamed: false,
});

test('a block of the time pass holds the reference, at most three others and the ceiling of its state', (t) => {
  for (const block of blocksOfRound(plan(7), arms, 1, 'time')) {
    const ids = block.cells.map((cell) => cell.arm);
    const state = block.cells[0]?.state;
    t.is(ids.filter((id) => id === 'stdio').length, 1);
    t.deepEqual(
      ids.filter((id) => id.startsWith('ceiling')),
      [state === 'cold' ? 'ceiling:device' : 'ceiling:memory'],
    );
    const others = ids.filter((id) => id !== 'stdio' && !id.startsWith('ceiling'));
    t.true(others.length >= 1 && others.length <= 3);
    t.true(block.cells.every((cell) => cell.state === state && cell.memoryState === 'backed'));
  }
});

test('a round weighs every cell once, the reference and the ceiling once a block', (t) => {
  const blocks = blocksOfRound(plan(7), arms, 2, 'time');
  for (const state of ['cold', 'warm'] as const) {
    const cells = blocks.flatMap((block) => block.cells).filter((cell) => cell.state === state);
    for (const name of names.filter((other) => other !== 'stdio')) {
      t.is(cells.filter((cell) => cell.arm === name).length, 1, `${name} ${state}`);
    }
  }
});

test('the memory pass weighs every cell once, without ceilings', (t) => {
  const cells = blocksOfRound(plan(7), arms, 1, 'memory').flatMap((block) => block.cells);
  t.is(cells.length, names.length * 2);
  t.is(new Set(cells.map((cell) => `${cell.arm} ${cell.state}`)).size, cells.length);
  t.false(cells.some((cell) => cell.arm.startsWith('ceiling')));
});

test('what reads past the page cache is no part of warm blocks: one block without partners records why', (t) => {
  const direct = { ...arms, direct: arm('direct', 'loader') };
  const mixed: Plan = { ...plan(7), arms: [...names, 'direct'] };
  const blocks = allBlocks(mixed, direct);
  const warm = blocks.filter(({ cells }) => cells.some((cell) => cell.arm === 'direct' && cell.state === 'warm'));
  t.deepEqual(
    warm.map(({ round, pass, cells }) => [round, pass, cells.map((cell) => cell.arm)]),
    [[1, 'time', ['direct']]],
  );
  const cold = blocks.filter(({ cells }) => cells.some((cell) => cell.arm === 'direct' && cell.state === 'cold'));
  t.deepEqual(
    cold.map(({ pass }) => pass),
    ['time', 'memory', 'time', 'time'],
  );
});

test('the order follows from the seed and changes from round to round', (t) => {
  const order = (seed: number, round: number): string => JSON.stringify(blocksOfRound(plan(seed), arms, round, 'time'));
  t.is(order(7, 1), order(7, 1));
  t.not(order(7, 1), order(8, 1));
  t.not(order(7, 1).replaceAll('"round":1', ''), order(7, 2).replaceAll('"round":2', ''));
});

test('a run holds the memory pass after its first round', (t) => {
  const passes = allBlocks(plan(7), arms).map((block) => `${block.pass}${block.round}`);
  t.deepEqual([...new Set(passes)], ['time1', 'memory1', 'time2', 'time3']);
});

test('a trace follows the memory pass: each arm that infers once a state, no ceiling', (t) => {
  const idle: Arm = { ...arm('null', 'loader'), work: 'none' };
  const bound: Arm = { ...arm('discard', 'bound'), work: 'read' };
  const all = { ...arms, null: idle, discard: bound };
  const traced: Plan = { ...plan(7), arms: [...names, 'discard'], trace: true };
  const passes = allBlocks(traced, all).map((block) => `${block.pass}${block.round}`);
  t.deepEqual([...new Set(passes)], ['time1', 'memory1', 'trace1', 'time2', 'time3']);
  const cells = allBlocks(traced, all).flatMap((block) => (block.pass === 'trace' ? block.cells : []));
  const expected = traced.states.flatMap((state) => names.flatMap((id) => (id === 'null' ? [] : [`${id} ${state}`])));
  t.deepEqual(cells.map((cell) => `${cell.arm} ${cell.state}`).sort(), expected.sort());
});

test('every cell of the blocks is a cell of the plan', (t) => {
  const known = new Set(cellsOf(plan(7), arms).map((cell) => JSON.stringify(cell)));
  for (const block of allBlocks(plan(7), arms)) {
    for (const cell of block.cells) {
      t.true(known.has(JSON.stringify(cell)));
    }
  }
});

test('home is read in cold blocks of the time pass alone, beside the device ceiling', (t) => {
  const home: Plan = { ...plan(5), homes: { m: 'ceiling:home' } };
  for (const block of blocksOfRound(home, arms, 1, 'time')) {
    const homes = block.cells.filter((cell) => cell.arm === 'ceiling:home').length;
    t.is(homes, block.cells[0]?.state === 'cold' ? 1 : 0);
  }
  t.false(
    blocksOfRound(home, arms, 1, 'memory').some(({ cells }) => cells.some(({ arm: id }) => id === 'ceiling:home')),
  );
  t.is(cellsOf(home, arms).filter((cell) => cell.arm === 'ceiling:home').length, 1);
});

test('a plan of an earlier version, without homes, has the blocks that it had', (t) => {
  const earlier = JSON.parse(JSON.stringify({ ...plan(5), homes: undefined })) as Plan;
  t.false('homes' in earlier);
  t.deepEqual(allBlocks(earlier, arms), allBlocks(plan(5), arms));
});

test('counterbalanced, every second round takes the order of the one before in reverse, and the seed begins with either', (t) => {
  const starts = new Set<string | undefined>();
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    const pair: Plan = { ...plan(seed), arms: ['stdio', 'read'], ceilings: {}, rounds: 8, order: 'counterbalanced' };
    const orders = Array.from({ length: 8 }, (_, index) =>
      blocksOfRound(pair, arms, index + 1, 'time')
        .find(({ cells }) => cells[0]?.state === 'warm')
        ?.cells.map(({ arm: id }) => id),
    );
    for (const at of [0, 2, 4, 6]) t.deepEqual(orders[at + 1], orders[at]?.toReversed());
    starts.add(orders[0]?.[0]);
  }
  t.deepEqual([...starts].sort(), ['read', 'stdio']);
});

test('of several commands the first is in every block of the others, and alone where all fit into one', (t) => {
  const commands = ['c1', 'c2', 'c3', 'c4', 'c5'];
  const all = { ...arms, ...Object.fromEntries(commands.map((id) => [id, arm(id, 'command')])) };
  const several: Plan = { ...plan(3), arms: [...names, ...commands] };
  for (const round of [1, 2, 3]) {
    const blocks = blocksOfRound(several, all, round, 'time');
    for (const { cells, firstCommand } of blocks) {
      const ids = cells.map((cell) => cell.arm);
      const others = ids.filter((id) => id.startsWith('c') && commands.includes(id) && id !== 'c1');
      t.is(ids.filter((id) => id === 'c1').length, others.length > 0 ? 1 : 0);
      t.is(firstCommand, others.length > 0 ? 'c1' : null);
      t.is(ids.filter((id) => id === 'stdio').length, 1);
      t.true(ids.length <= 5);
    }
    for (const id of [...names, ...commands].filter((each) => each !== 'stdio' && each !== 'c1')) {
      t.is(blocks.flatMap(({ cells }) => cells).filter((cell) => cell.arm === id).length, 2, id);
    }
  }
  const memory = blocksOfRound(several, all, 1, 'memory').flatMap(({ cells }) => cells.map((cell) => cell.arm));
  t.is(memory.filter((id) => id === 'c1').length, 2, 'a state each');
  const few: Plan = { ...plan(3), arms: ['stdio', 'read', 'c1', 'c2'] };
  t.is(blocksOfRound(few, all, 1, 'time').length, 2, 'a state each');
});
