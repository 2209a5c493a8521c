import test from 'ava';
import type { ChosenLoader } from '../../src/loader.js';
import type { ModelInfo } from '../../src/native.js';
import { allBlocks, cellsOf, ceilingsOf, samplesOf } from '../../src/plan/blocks.js';
import { makePlan, type Planned, type PlannedModel, type PlanRequest } from '../../src/plan/plan.js';
import { settingKeyOf, settingsOf } from '../../src/plan/settings.js';

const BYTES = 1_000_000;

function model(name: string): PlannedModel {
  const info: ModelInfo = {
    ...{ version: 3, alignment: 32, metadata: [], tensors: [], headerDigest: '0123456789abcdef' },
    parts: [{ path: `/models/${name}.gguf`, bytes: BYTES, dataOffset: 500 }],
  };
  const shape = {
    ...{ layers: 1, width: 8, heads: 1, kvHeads: 1, keyLength: 8, valueLength: 8, ropeDimensions: 8, feedForward: 8 },
    ...{ vocabulary: 8, contextTrained: 4096, ropeBase: 10000, normEpsilon: 1e-5 },
  };
  const kernel = { shape, kvCacheBytes: 1, scratchBytes: 1, bytesNeeded: 1, tensorBytes: BYTES - 500 };
  return { identity: name, info, kernel, fileSystem: 'ext4', device: '/dev/vda', deviceCeiling: true };
}

const loaders: readonly ChosenLoader[] = [
  { name: 'stdio', mechanism: 'stdio', why: '' },
  { name: 'pread-parallel', mechanism: 'pread', why: '', options: { threads: 4, chunkBytes: 4096 } },
  { name: 'null', mechanism: 'null', why: '' },
];

function planned(asked: Partial<PlanRequest> = {}): Planned {
  return makePlan({
    models: [model('a')],
    loaders,
    loadersNamed: true,
    reference: null,
    states: ['cold'],
    memoryStates: ['backed'],
    threads: [2],
    rounds: 1,
    memoryRounds: 1,
    prompt: 4,
    generate: 4,
    isa: 'avx2',
    seed: 1,
    timeoutSeconds: null,
    timeBudgetSeconds: null,
    build: 'b',
    ...asked,
  });
}

const keysOf = ({ plan }: Planned): readonly string[] =>
  (plan.settings ?? []).map(({ key }) => key.replace('a-01234567', 'M'));

test('the first setting of a model is named by the model alone, the others by what differs from it', (t) => {
  const percent = { kind: 'percent', text: '60%', percent: 60 } as const;
  const pressure = { kind: 'memory', bytes: 1024, path: null } as const;
  const cases: readonly (readonly [Partial<PlanRequest>, readonly string[]])[] = [
    [{}, ['M']],
    [{ processes: [4] }, ['M']],
    [{ processes: [1, 2, 4] }, ['M', 'M x2', 'M x4']],
    [{ threads: [2, 1] }, ['M', 'M t1']],
    [{ contexts: [512, 2048] }, ['M', 'M c2048']],
    [{ memoryLimits: [null, percent] }, ['M', 'M m60%']],
    [{ memoryLimits: [percent, null] }, ['M', 'M mnone']],
    [{ pressure: [null, pressure] }, ['M', 'M pmemory:1024']],
    [{ numa: [0, 1] }, ['M', 'M n1']],
    [{ threads: [1, 2], processes: [1, 2] }, ['M', 'M x2', 'M t2', 'M t2 x2']],
  ];
  for (const [asked, keys] of cases) t.deepEqual(keysOf(planned(asked)), keys);
});

test('a memory limit is kept as it was given, and in bytes of the model', (t) => {
  const limits = [
    { kind: 'percent', text: '60%', percent: 60 },
    { kind: 'bytes', text: '2MB', bytes: 2_000_000 },
  ] as const;
  const { plan, arms } = planned({ memoryLimits: limits });
  t.deepEqual(
    plan.settings?.map(({ memoryLimit }) => memoryLimit),
    [
      { text: '60%', bytes: 600_000 },
      { text: '2MB', bytes: 2_000_000 },
    ],
  );
  t.deepEqual([...new Set(Object.values(arms).map(({ memoryLimit }) => memoryLimit))], [600_000, 2_000_000]);
});

test('two texts that mean one limit are one setting', (t) => {
  const limits = [
    { kind: 'percent', text: '60%', percent: 60 },
    { kind: 'bytes', text: '600kB', bytes: 600_000 },
  ] as const;
  t.deepEqual(keysOf(planned({ memoryLimits: limits })), ['M']);
});

test('every arm of every setting has an id of its own, and a run of one setting the ids that it always had', (t) => {
  const all = planned({
    threads: [1, 2],
    contexts: [512, 2048],
    processes: [1, 2],
    numa: [null, 0],
    loadThreads: [1, 4],
  });
  t.is(new Set(all.plan.arms).size, all.plan.arms.length);
  t.is(all.plan.settings?.length, 16);
  t.is(all.plan.arms.length, 16 * 4);
  t.deepEqual(planned().plan.arms, [
    'stdio a-01234567 infer t2 c512 p4 g4 avx2',
    'pread-parallel a-01234567 infer t2 c512 p4 g4 avx2',
    'null a-01234567 none',
  ]);
});

test('load threads make an arm each of a loader that has such an option, and change nothing of the others', (t) => {
  const { plan, arms } = planned({ loadThreads: [1, 8] });
  t.deepEqual(
    plan.arms.map((id) => arms[id]).map((arm) => [arm?.label, arm?.loadThreads, arm?.options['threads']]),
    [
      ['stdio', null, undefined],
      ['pread-parallel@1', 1, 1],
      ['pread-parallel@8', 8, 8],
      ['null', null, undefined],
    ],
  );
  t.deepEqual(keysOf(planned({ loadThreads: [1, 8] })), ['M']);
});

test('ceilings belong to settings of one process without a limit and without pressure', (t) => {
  const { plan, arms } = planned({
    processes: [1, 2],
    pressure: [null, { kind: 'memory', bytes: 1024, path: null }],
    memoryLimits: [null, { kind: 'percent', text: '60%', percent: 60 }],
  });
  const having = (plan.settings ?? []).filter(({ key }) => ceilingsOf(plan, key, 'cold').length > 0);
  t.deepEqual(
    having.map(({ key }) => key),
    ['a-01234567'],
  );
  t.is(Object.values(arms).filter(({ kind }) => kind === 'ceiling').length, 2);
});

test('blocks hold arms of one setting, with its own reference', (t) => {
  const { plan, arms } = planned({ models: [model('a'), model('b')], processes: [1, 2], states: ['cold', 'warm'] });
  const blocks = allBlocks(plan, arms);
  for (const { cells, reference, pass } of blocks) {
    const keys = new Set(cells.map(({ arm }) => settingKeyOf(arms[arm]!)));
    t.is(keys.size, 1);
    const key = [...keys][0] ?? '';
    t.is(plan.reference[key], reference);
    if (pass === 'time') t.true(cells.some(({ arm }) => arm === reference));
  }
  t.is(new Set(blocks.map(({ reference }) => reference)).size, 4);
});

test('a memory limit and a warm state contradict each other', (t) => {
  const asked = { states: ['cold', 'warm'], memoryLimits: [{ kind: 'percent', text: '60%', percent: 60 }] } as const;
  t.throws(() => planned(asked), { name: 'UsageError', message: /--memory-limit takes --state cold alone/ });
});

test('loads follow the cold state where it is weighed, else the first, of arms that load alone', (t) => {
  const followed = (states: PlanRequest['states']): readonly string[] => {
    const { plan, arms } = planned({ states, loads: 3 });
    const left = cellsOf(plan, arms).filter(({ state }) => state === 'left');
    return left.map(({ arm, load }) => `${arms[arm]?.label ?? ''} ${load}`);
  };
  const expected = ['stdio 2', 'stdio 3', 'pread-parallel 2', 'pread-parallel 3'];
  t.deepEqual(followed(['cold', 'warm']), expected);
  t.deepEqual(followed(['warm', 'cold']), expected);
  t.deepEqual(followed(['warm']), expected);
});

test('the count of samples holds every process and every load', (t) => {
  // A round of the time pass: three loaders, the ceiling and home; of the memory pass: three loaders.
  t.is(samplesOf(planned().plan, planned().arms), 5 + 3);
  const loads = planned({ loads: 3 });
  t.is(samplesOf(loads.plan, loads.arms), 5 + 2 * 2 + 3);
  const four = planned({ processes: [4] });
  t.is(samplesOf(four.plan, four.arms), 4 * (3 + 3));
});

test('a command is an arm of each setting, and the reference where no loader is', (t) => {
  const command = { argv: ['cat', '{model}'], output: 'discard', pattern: null } as const;
  const commands = [{ name: 'cat', command }];
  const beside = planned({ commands, threads: [1, 2] });
  t.is(Object.values(beside.arms).filter(({ kind }) => kind === 'command').length, 2);
  t.throws(() => planned({ commands, reference: 'cat' }), { name: 'UsageError', message: /--reference cat/ });
  const { plan, arms } = planned({ commands, loaders: [], reference: 'cat', threads: [1, 2] });
  for (const { key } of plan.settings ?? [])
    t.like(arms[plan.reference[key] ?? ''], { kind: 'command', label: 'cat', command });
  t.is(plan.arms.filter((id) => arms[id]?.kind === 'command').length, 2);
});

test('a plan from before there were settings has one a model', (t) => {
  const { plan, arms } = planned();
  const older = JSON.parse(JSON.stringify({ ...plan, settings: undefined, loads: undefined })) as typeof plan;
  const olderArms = JSON.parse(
    JSON.stringify(arms, (key, value: unknown) => (key === 'setting' || key === 'command' ? undefined : value)),
  ) as typeof arms;
  t.deepEqual(settingsOf(older, olderArms), plan.settings ?? []);
  t.deepEqual(allBlocks(older, olderArms), allBlocks(plan, arms));
});

test('a part of a model that is no byte is refused', (t) => {
  const tiny = { kind: 'percent', text: '0.00001%', percent: 0.00001 } as const;
  t.throws(() => planned({ memoryLimits: [tiny] }), { name: 'UsageError', message: /0\.00001% .* less than one byte/ });
  t.notThrows(() => planned({ memoryLimits: [{ ...tiny, text: '0.0001%', percent: 0.0001 }] }));
});
