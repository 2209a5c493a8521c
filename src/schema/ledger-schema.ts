/**
 * The published schema of a ledger: each line is one of these records, the first the header. Its version is that of the
 * records (`SCHEMA_VERSION`).
 */
import {
  amount,
  amountOrNull,
  count,
  each,
  flag,
  list,
  number,
  numberOrNull,
  object,
  oneOf,
  orNull,
  present,
  record,
  ref,
  text,
  textOrNull,
  type Schema,
} from './words.js';

export const LEDGER_SCHEMA_ID = 'urn:weighbridge:ledger:1';

const [state, memoryState, pass] = [ref('state'), ref('memoryState'), ref('pass')];
const shardNumber: Schema = { type: 'integer', minimum: 1 };

const sizes = [
  ...['rss', 'pss', 'pssAnonymous', 'pssShmem', 'pssFile', 'anonymous', 'file', 'shmem', 'hugetlb', 'swap', 'locked'],
  ...['hugeAnonymous', 'hugeFile', 'pageTables'],
];

/** Of a sample, each small enough for an engine to compile its check; null where it was not measured. */
const parts: Readonly<Record<string, Schema>> = {
  reason: object(
    { ...each(text, 'code', 'operation', 'message'), ...each(textOrNull, 'path', 'errno', 'remedy') },
    { offset: numberOrNull },
  ),
  command: object({
    ...each(amount, 'wallNs', 'userNs', 'systemNs', 'minorFaults', 'majorFaults'),
    ...each(amountOrNull, 'firstByteNs', 'readBytes', 'peakRss', 'peakPss', 'matched'),
    ...{ exitCode: numberOrNull, signal: textOrNull },
  }),
  phase: object({ ...each(amount, 'ns', 'minorFaults', 'majorFaults', 'userNs', 'systemNs'), readBytes: amountOrNull }),
  phases: object({
    ...each(present('phase'), 'setup', 'open', 'acquire', 'firstToken', 'complete', 'release'),
    ...each(ref('phase'), 'prefill', 'decode'),
  }),
  debt: object({
    ...each(number, 'ns', 'explainedNs', 'unexplainedNs'),
    ...each(amount, 'waitedNs', 'minorFaults', 'majorFaults'),
    readBytes: amountOrNull,
  }),
  traffic: object({ reads: amount, readBytes: amount, meanRequestBytes: amountOrNull }),
  memory: object(each(amountOrNull, ...sizes)),
  memoryPoints: object({
    ...each(present('memory'), 'baseline', 'end', 'peak'),
    ...each(ref('memory'), 'loaded', 'firstToken'),
    ...each(amount, 'kvCacheBytes', 'scratchBytes'),
  }),
  residency: object({ ...each(amountOrNull, 'before', 'opened', 'loaded', 'firstToken', 'after'), size: amount }),
  tokens: object({ prompt: count, generated: count, perTokenNs: list(amount) }),
  tokensPerSecond: object(each(amountOrNull, 'prefill', 'decode')),
  noise: object(
    {
      ...each(amountOrNull, 'stealNs', 'voluntarySwitches', 'involuntarySwitches'),
      ...each(amountOrNull, 'spinBeforeNs', 'spinAfterNs', 'firstTouchNs'),
      pressureNs: object(each(amountOrNull, 'cpu', 'io', 'memory')),
      loadAverage: amount,
    },
    { machine: present('machineActivity') },
  ),
  machineActivity: object({
    lastedNs: amount,
    ...each(amountOrNull, 'cpus', 'busyNs', 'otherCpuNs', 'ownReadBytes', 'otherReadBytes', 'writtenBytes'),
    throttleEvents: amountOrNull,
    clock: orNull(object(each(amount, 'lowHz', 'highHz'))),
  }),
};

const place = {
  ...each(count, 'round', 'block', 'position', 'attempt'),
  ...{ pass, startedAt: text, arm: ref('armName'), state, memoryState },
  ...{ load: { type: 'integer', minimum: 1 }, outcome: ref('outcome'), reason: ref('reason') },
};

const sample = {
  ...object(
    {
      kind: { const: 'sample' },
      ...place,
      ...{ group: textOrNull, process: ref('process'), warnings: list(text) },
      ...each(amountOrNull, 'ttftNs', 'completeNs', 'settledNs', 'bytesNeeded', 'untouchedBytes'),
      ...{ phases: ref('phases'), debt: ref('debt'), traffic: ref('traffic'), memory: ref('memoryPoints') },
      ...{ residency: ref('residency'), tokens: ref('tokens'), tokensPerSecond: ref('tokensPerSecond') },
      ...each(textOrNull, 'isa', 'logitsHash', 'contentHash'),
      ...{ effective: ref('effective'), noise: ref('noise') },
    },
    { command: ref('command') },
  ),
  // What was not ok says why; what was ok was measured.
  if: { required: ['outcome'], properties: { outcome: { const: 'ok' } } },
  then: { properties: { reason: { type: 'null' }, ...each({ type: 'object' }, 'residency', 'effective', 'noise') } },
  else: { required: ['outcome'], properties: { outcome: ref('outcome'), reason: { type: 'object' } } },
};

const summed = object(
  each(amountOrNull, ...['pss', 'pssAnonymous', 'pssShmem', 'pssFile', 'hugetlb', 'swap', 'pageTables', 'rssFile']),
  { locked: amountOrNull },
);

const group = object({
  kind: { const: 'group' },
  ...{ id: text, ...place, processes: count },
  ...each(amountOrNull, 'ttftNs', 'completeNs', 'startSpreadNs'),
  tokensPerSecond: orNull(object(each(amountOrNull, 'prefill', 'decode', 'slowestDecode'))),
  memory: orNull(
    object({
      ...each(ref('summedMemory'), 'baseline', 'firstToken'),
      ...each(amountOrNull, 'peakUnreclaimable', 'cachedBytes', 'sharedBytes'),
      ...each(amount, 'kvCacheBytes', 'scratchBytes'),
    }),
  ),
});

const pressure = object({ kind: oneOf('memory', 'stream', 'bystander'), bytes: amount, path: textOrNull });

const arm = object(
  {
    id: text,
    ...{ kind: oneOf('loader', 'bound', 'ceiling', 'command'), origin: oneOf('built-in', 'external') },
    ...each(textOrNull, 'module', 'moduleDigest'),
    ...each(text, 'loader', 'label', 'mechanism', 'model', 'isa', 'build'),
    options: { type: 'object' },
    work: oneOf('infer', 'touch', 'none', 'read', 'command'),
    ...{ threads: count, loadThreads: amountOrNull, processes: count, memoryLimit: amountOrNull },
    ...{ context: count, prompt: count, generate: count, numa: amountOrNull, pressure: orNull(pressure) },
  },
  {
    setting: text,
    buildDirectory: textOrNull,
    command: orNull(object({ argv: list(text), output: oneOf('discard', 'first-byte'), pattern: textOrNull })),
  },
);

const setting = object(
  {
    ...{ key: text, model: text, threads: count, processes: count, context: count },
    ...{ memoryLimit: orNull(object({ text, bytes: amount })), pressure: orNull(pressure), numa: amountOrNull },
  },
  { work: { const: 'touch' } },
);

const gate = orNull(
  object(
    {
      ...{ alpha: number, looks: list(count) },
      comparisons: list(
        object({
          ...{ base: text, head: text, state, memoryState, metric: text, threshold: amount },
          noiseFloors: list(amountOrNull),
        }),
      ),
    },
    { failOnInconclusive: flag },
  ),
);

const shard = orNull(
  object({
    ...{ numbers: list(shardNumber), of: shardNumber, digest: text },
    parts: list(object({ setting: text, state, memoryState })),
  }),
);

const plan = object(
  {
    ...{ models: list(text), arms: list(text), reference: record(text) },
    ceilings: record({ type: 'object', additionalProperties: text }),
    ...{ states: list(state), memoryStates: list(memoryState), rounds: count, memoryRounds: count },
    ...{ seed: number, timeoutNs: amount, timeBudgetNs: amountOrNull, loadersNamed: flag },
  },
  {
    ...{ settings: list(setting), homes: record(text), loads: count, trace: flag, precision: amountOrNull },
    ...{ order: oneOf('shuffled', 'counterbalanced'), gate: ref('gate'), waitQuietNs: amountOrNull },
    shard: ref('shard'),
  },
);

const model = object({
  ...{ path: text, parts: list(object({ path: text, bytes: amount })), bytes: amount, tensorBytes: amount },
  ...{ headerBytes: amount, headerDigest: text, name: textOrNull, fileSystem: text, device: text },
});

const limit = object({
  ...{ name: text, value: numberOrNull, unit: oneOf('bytes/s', 'ns', 'ratio'), threads: count },
  ...{ pageBytes: amountOrNull, memoryState: { enum: ['backed', 'returned', 'as-is', null] } },
  ...{ path: textOrNull, method: text, reason: ref('reason') },
});

const ceilings = object({
  device: record(object({ reason: ref('reason') }, { engine: text, blockBytes: amount, depth: count })),
  firstTouch: object({ backedNs: amount, returnedNs: amountOrNull, limitNs: amountOrNull }, { learnedAt: text }),
});

/** Of the machine: what tells it from others. More stands there, and is told where it is known. */
const machine = object({ fingerprint: text });
const runtime = object({ ...each(text, 'node', 'v8', 'addon'), isas: list(text) });

const merged = orNull(
  object({
    ...{ digest: text, of: shardNumber, missing: list(shardNumber) },
    elsewhere: list(object({ fingerprint: text, numbers: list(shardNumber) })),
    shards: list(
      object(
        {
          ...{ number: shardNumber, complete: flag, startedAt: text, machine, runtime, ceilings: ref('ceilings') },
          command: list(text),
        },
        { limits: list(ref('limit')) },
      ),
    ),
  }),
);

const run = object(
  {
    kind: { const: 'run' },
    schema: { const: 1 },
    ...{
      tool: text,
      startedAt: text,
      seed: number,
      plan: ref('plan'),
      arms: record(ref('arm')),
      models: record(model),
    },
    ...{ machine, runtime, ceilings: ref('ceilings') },
    referenceHashes: record(text),
    command: list(text),
  },
  {
    limits: list(ref('limit')),
    config: orNull(object(each(text, 'path', 'digest', 'plan'))),
    merged: ref('merged'),
  },
);

export const ledgerSchema: Schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: LEDGER_SCHEMA_ID,
  title: 'A line of a ledger of weighbridge',
  description:
    'The first line is a run, each other one of the rest. Times are nanoseconds, sizes bytes; what could not be read is null.',
  oneOf: ['run', 'sample', 'group', 'wait', 'resume', 'end'].map(ref),
  $defs: {
    ...{ run, sample, group, arm, plan, limit, gate, shard, merged, summedMemory: summed, ceilings },
    ...Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, orNull(part)])),
    armName: object({ id: text, loader: text, model: text }),
    process: object({
      ...{ index: count, of: count, spawnToStartNs: amountOrNull, exitCode: numberOrNull, signal: textOrNull },
    }),
    effective: orNull(record({ type: ['boolean', 'number', 'string'] })),
    state: oneOf('cold', 'warm', 'left'),
    memoryState: oneOf('backed', 'returned', 'as-is'),
    pass: oneOf('time', 'memory', 'trace'),
    outcome: oneOf('ok', 'unsupported', 'invalid', 'mismatch', 'failed'),
    wait: object({
      kind: { const: 'wait' },
      ...{ startedAt: text, pass, round: count, block: count, limitNs: amount, waitedNs: amount, windows: count },
      ...{ quiet: flag, disturbances: list(object({ kind: text, windows: count, most: amount })) },
    }),
    resume: object({ kind: { const: 'resume' }, startedAt: text, ceilings: ref('ceilings'), completedSamples: count }),
    end: object({
      kind: { const: 'end' },
      endedAt: text,
      stopped: oneOf('complete', 'precision', 'decided', 'time-budget', 'interrupted', 'error'),
      message: textOrNull,
    }),
  },
};
