import test from 'ava';
import { allBlocks, cellKey, cellsOf, samplesOf, type Block } from '../../src/plan/blocks.js';
import { partKey, partsOf } from '../../src/plan/parts.js';
import type { Planned, PlanRequest } from '../../src/plan/plan.js';
import type { PlanPart } from '../../src/samples/record.js';
import { settingKeyOf } from '../../src/plan/settings.js';
import { commandOfShard, planDigest, shardedPlan, splitParts, weighedOf } from '../../src/plan/shard.js';
import { random } from '../statistics/random.js';
import { planned, plannedModel, someLoaders } from './plans.js';

const asked = { threads: false, isa: false };

const shardsOf = (whole: Planned, of: number): readonly Planned[] =>
  Array.from({ length: of }, (_, index) => ({ ...whole, plan: shardedPlan(whole, { number: index + 1, of }, asked) }));

const blocksOf = ({ plan, arms }: Planned): readonly Block[] => allBlocks(plan, arms);

/** Plans of many kinds, the same in each run of the test. */
function somePlans(count: number, ceilings = false): readonly Planned[] {
  const draw = random(11);
  const below = (n: number): number => Math.floor(draw.uniform() * n);
  const some = <T>(items: readonly T[]): readonly T[] => {
    const taken = items.filter(() => draw.uniform() < 0.5);
    return taken.length === 0 ? items.slice(0, 1) : taken;
  };
  return Array.from({ length: count }, () => {
    const models = ['a', 'b', 'c']
      .slice(0, 1 + below(3))
      .map((name) =>
        plannedModel(name, { bytes: 1_000_000 * (1 + below(50)), deviceCeiling: below(2) === 0 || ceilings }),
      );
    const request: Partial<PlanRequest> = {
      models,
      loaders: some(someLoaders.slice(0, -1)),
      states: some(['cold', 'warm']),
      memoryStates: some(['backed', 'returned', 'as-is']),
      threads: some([1, 2, 4]),
      processes: some([1, 2, 4]),
      contexts: some([256, 512]),
      loads: 1 + below(3),
      rounds: 1 + below(4),
      memoryRounds: below(3),
      trace: below(2) === 0,
      seed: below(1000),
    };
    return planned(request);
  });
}

test('the shards of a plan weigh its blocks, each once, with the numbers that they have in the whole', (t) => {
  for (const whole of somePlans(12)) {
    const text = (block: Block): string => JSON.stringify(block);
    for (const of of [1, 2, 3, 7]) {
      const blocks = shardsOf(whole, of).flatMap(blocksOf).map(text);
      t.deepEqual(blocks.toSorted(), blocksOf(whole).map(text).toSorted());
      const cells = shardsOf(whole, of).flatMap(({ plan, arms }) => cellsOf(plan, arms).map(cellKey));
      t.deepEqual(cells.toSorted(), cellsOf(whole.plan, whole.arms).map(cellKey).toSorted());
    }
  }
});

test('within a shard the order of the whole stays', (t) => {
  for (const whole of somePlans(6)) {
    for (const shard of shardsOf(whole, 3)) {
      const own = new Set(blocksOf(shard).map((block) => JSON.stringify(block)));
      const inOrder = blocksOf(whole).filter((block) => own.has(JSON.stringify(block)));
      t.deepEqual(blocksOf(shard), inOrder);
    }
  }
});

test('what is compared is never split: a setting in one state of page cache and memory is in one shard', (t) => {
  for (const whole of somePlans(12)) {
    const home = new Map<string, number>();
    for (const [index, shard] of shardsOf(whole, 4).entries()) {
      for (const { cells } of blocksOf(shard)) {
        for (const { arm, state, memoryState } of cells) {
          const setting = settingKeyOf(whole.arms[arm]!);
          const key = partKey({ setting, state, memoryState });
          t.is(home.get(key) ?? index, index, key);
          home.set(key, index);
        }
      }
    }
    t.is(home.size, partsOf(whole.plan, whole.arms).length);
  }
});

test('the split and the digest do not depend on the machine: its CPUs, instruction sets, paths, ceilings', (t) => {
  const machine = (folder: string, deviceCeiling: boolean, threads: number, isa: string): Planned =>
    planned({
      models: [plannedModel('a', { folder, deviceCeiling }), plannedModel('b', { folder, deviceCeiling, bytes: 9e6 })],
      ...{ memoryStates: ['backed', 'returned'], processes: [1, 2], threads: [threads], isa, build: folder },
    });
  const [one, other] = [machine('/models', true, 2, 'avx2'), machine('/mnt/scratch', false, 128, 'scalar')];
  const chosen = { threads: true, isa: true };
  t.is(planDigest(one, chosen), planDigest(other, chosen));
  for (const of of [1, 2, 3, 5]) t.deepEqual(splitParts(one, of), splitParts(other, of));
  t.not(planDigest(one, asked), planDigest(other, asked), 'what was asked for belongs to the plan');
});

test('the digest changes with whatever is asked for', (t) => {
  const digestOf = (request: Partial<PlanRequest>): string => planDigest(planned(request), asked);
  const requests: readonly Partial<PlanRequest>[] = [
    {},
    { models: [plannedModel('b')] },
    { models: [plannedModel('a', { bytes: 2_000_000 })] },
    { models: [plannedModel('a', { digest: '0123456789abcdee' })] },
    { loaders: someLoaders.slice(0, 3) },
    { loaders: someLoaders.map((each) => ({ ...each, moduleDigest: 'ab' })) },
    { reference: 'read' },
    { states: ['cold'] },
    { memoryStates: ['returned'] },
    { threads: [1] },
    { isa: 'scalar' },
    { processes: [2] },
    { contexts: [256] },
    { loads: 2 },
    { rounds: 3 },
    { memoryRounds: 2 },
    { trace: true },
    { prompt: 5 },
    { generate: 5 },
    { seed: 2 },
    { waitQuietSeconds: 5 },
    { timeoutSeconds: 5 },
    { loadersNamed: false },
    { pressure: [{ kind: 'memory', bytes: 1, path: null }] },
  ];
  t.is(new Set(requests.map(digestOf)).size, requests.length);
  t.is(digestOf({}), digestOf({}));
});

test('shards are balanced by samples times the bytes of their model', (t) => {
  for (const whole of somePlans(12, true)) {
    const weightOf = (part: PlanPart): number => {
      const shard = { numbers: [1], of: 1, digest: '', parts: [part] };
      const model = (whole.plan.settings ?? []).find(({ key }) => key === part.setting)?.model ?? '';
      return samplesOf({ ...whole.plan, shard }, whole.arms) * whole.models[model]!.bytes;
    };
    const sum = (parts: readonly PlanPart[]): number => parts.reduce((total, part) => total + weightOf(part), 0);
    const parts = partsOf(whole.plan, whole.arms);
    for (const of of [2, 3]) {
      const shards = splitParts(whole, of).map(sum);
      // No shard is above the mean by more than one part, which cannot be split.
      t.true(Math.max(...shards) <= sum(parts) / of + Math.max(...parts.map(weightOf)));
      t.true(Math.max(...shards) - Math.min(...shards) <= Math.max(...parts.map(weightOf)));
    }
  }
  const equal = planned({ memoryStates: ['backed', 'returned'], processes: [1], states: ['cold'], loads: 1 });
  t.deepEqual(
    shardsOf(equal, 2).map(({ plan, arms }) => samplesOf(plan, arms)),
    [samplesOf(equal.plan, equal.arms) / 2, samplesOf(equal.plan, equal.arms) / 2],
  );
});

test('a large model is not put beside all others', (t) => {
  const models = [plannedModel('a'), plannedModel('b', { bytes: 50e6 }), plannedModel('c'), plannedModel('d')];
  const whole = planned({ models, states: ['warm'] });
  const shares = splitParts(whole, 2).map((parts) => parts.map(({ setting }) => setting.slice(0, 1)));
  t.deepEqual(shares, [['b'], ['a', 'c', 'd']]);
});

test('with more shards than parts the rest have nothing, and know of no arm', (t) => {
  const whole = planned();
  const shards = shardsOf(whole, 5);
  t.deepEqual(
    shards.map(({ plan }) => plan.shard?.parts.length),
    [1, 1, 0, 0, 0],
  );
  const empty = shards[4]!;
  t.deepEqual(blocksOf(empty), []);
  t.deepEqual(weighedOf(empty), { arms: {}, models: {} });
  t.deepEqual(weighedOf(whole), { arms: whole.arms, models: whole.models });
});

test('a shard knows the models of its own part alone', (t) => {
  const whole = planned({ models: [plannedModel('a'), plannedModel('b')], states: ['warm'] });
  const models = shardsOf(whole, 2).map((shard) => Object.keys(weighedOf(shard).models).map((id) => id.slice(0, 1)));
  t.deepEqual(models, [['a'], ['b']]);
});

test('a command line says which shard it was, or leaves it out where all of the plan is run', (t) => {
  const words = ['weighbridge', 'run', 'm.gguf', '--shard', 'auto', '--rounds', '2'];
  const joined = ['weighbridge', 'run', 'm.gguf', '--shard=auto/4', '--rounds', '2'];
  const shard = { number: 2, of: 4 };
  t.is(commandOfShard(words, shard).join(' '), 'weighbridge run m.gguf --shard 2/4 --rounds 2');
  t.is(commandOfShard(joined, shard).join(' '), 'weighbridge run m.gguf --shard=2/4 --rounds 2');
  for (const line of [words, joined]) {
    t.is(commandOfShard(line, null).join(' '), 'weighbridge run m.gguf --rounds 2');
  }
});
