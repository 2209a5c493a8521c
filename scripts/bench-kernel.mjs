/**
 * How fast the kernel is, on synthetic models, as a run weighs it: every measurement is a process of its own that maps the
 * model, which is in the page cache (the loader mmap-shared).
 *   npm run bench:kernel -- [--quick | --full] [--types q4_0,q8_0 | all] [--isa avx2,avx512 | all] [--threads 1,8]
 *                           [--shape 110m] [--rounds 3] [--json FILE] [--svg DIRECTORY] [--png DIRECTORY]
 * Each round goes through the types, and of each through threads and instruction sets, one way and back the next round:
 *   ceiling    every byte of the mapped model summed: what memory gives that many threads
 *   decode     tokens one by one from an empty cache; bytes are those that a pass reads (of an embedding one row)
 *   prefill    a prompt, in the steps that a run feeds; FLOPs are those of the matrices alone, without attention
 * Quick (the default) takes a 110m model, five types, the best instruction set and prompts of 128 tokens; full takes 1b,
 * every type, every instruction set but the scalar reference (--isa all takes that too), and also prompts of 512. Models
 * are kept where `npm start` keeps its own. Exit code 2: bad arguments; 1: a measurement failed.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { kernelTable } from '../dist/reports/kernel-table.js';
import { findLoader } from '../dist/src/catalog.js';
import { failureOf, reasonOf } from '../dist/src/failure.js';
import { machineFacts } from '../dist/src/machine.js';
import { native } from '../dist/src/native.js';
import { writeDrawings, writer } from '../dist/src/report-files.js';
import { counted, size } from '../dist/src/report/format.js';
import { benchRows, ceilingRows } from '../dist/src/report/kernel-bench.js';
import { kernelCharts } from '../dist/src/report/kernel-charts.js';
import { machineLine } from '../dist/src/report/notes.js';
import { LimitProcess } from '../dist/src/samples/limit-process.js';
import { lockMachine } from '../dist/src/samples/lock.js';
import { READY_FD, RELEASE_FD } from '../dist/src/samples/protocol.js';
import { spawnChild } from '../dist/src/samples/spawn.js';
import { prepareCache } from '../dist/src/samples/states.js';
import { BATCH } from '../dist/src/samples/task.js';
import { cachedModel, writeCachedModel } from '../dist/src/synthetic/cached-model.js';
import { shapeNames } from '../dist/src/synthetic/shapes.js';
import { weightTypes } from '../dist/src/synthetic/weight-types.js';

const MODES = {
  quick: { shape: '110m', types: ['q4_0', 'q8_0', 'q4_k', 'q6_k', 'f16'], prompts: [128], rounds: 3, generate: 16 },
  full: {
    ...{ shape: '1b', types: weightTypes.filter((type) => !type.endsWith('_m')), prompts: [128, 512] },
    ...{ rounds: 5, generate: 32 },
  },
};
/** Of one process: a prompt of 512 tokens by the scalar reference takes minutes. */
const TIMEOUT_MS = 1_800_000;
/** Of the whole model for one ceiling, whose median counts. */
const SUMS = 5;

function end(code, message) {
  process.stderr.write(`bench-kernel: ${message}\n`);
  process.exit(code);
}

function argumentsOf() {
  const text = { type: 'string' };
  const flag = { type: 'boolean', default: false };
  try {
    return parseArgs({
      options: {
        ...{ quick: flag, full: flag, types: text, isa: text, threads: text, shape: text, rounds: text },
        ...{ json: text, svg: text, png: text, 'lock-wait': { type: 'string', default: '0' } },
      },
    }).values;
  } catch (error) {
    return end(2, error.message);
  }
}

/** A list of names, all of which must be among those that there are. */
function listOf(option, given, usual, all) {
  if (given === undefined) return usual;
  if (given === 'all') return all;
  const names = given.split(',');
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) end(2, `--${option}: no ${JSON.stringify(unknown)} here; there are ${all.join(', ')}`);
  return [...new Set(names)];
}

function wholes(option, given, usual, least, most) {
  if (given === undefined) return usual;
  const numbers = given.split(',').map(Number);
  if (numbers.every((value) => Number.isInteger(value) && value >= least && value <= most))
    return [...new Set(numbers)];
  return end(2, `--${option}: whole numbers from ${least} to ${most}`);
}

function planOf(given) {
  if (given.quick && given.full) end(2, '--quick and --full exclude each other');
  const mode = MODES[given.full ? 'full' : 'quick'];
  const isas = native().isas();
  const faster = isas.filter((isa) => isa !== 'scalar');
  const processors = availableParallelism();
  const [shape] = listOf('shape', given.shape, [mode.shape], shapeNames);
  const [rounds] = wholes('rounds', given.rounds, [mode.rounds], 1, 1000);
  return {
    ...{ shape, rounds, prompts: mode.prompts, generate: mode.generate },
    types: listOf('types', given.types, mode.types, weightTypes),
    isas: listOf('isa', given.isa, given.full && faster.length > 0 ? faster : isas.slice(-1), isas),
    threads: wholes('threads', given.threads, [...new Set([1, processors])], 1, 1024),
    lockWait: wholes('lock-wait', given['lock-wait'], [0], 0, 1e6)[0],
  };
}

/** What must be written at the end is tried at the beginning; an earlier file stays until then. */
function checkOutputs({ json }) {
  if (json === undefined) return;
  try {
    writeFileSync(json, '', { flag: 'a' });
  } catch (error) {
    end(2, `--json: ${error.message}`);
  }
}

const tell = (text) => process.stderr.write(`bench-kernel: ${text}\n`);

async function modelsOf({ shape, types, prompts, generate }) {
  const cached = types.map((type) => cachedModel(shape, { type }));
  const missing = cached.filter(({ isThere }) => !isThere);
  const bytes = missing.reduce((sum, model) => sum + model.bytes, 0);
  if (missing.length > 0) {
    tell(
      `writing ${counted(missing.length, 'model')}, ${size(bytes)}, into ${dirname(missing[0].path)}, where they stay`,
    );
  }
  for (const model of missing) await writeCachedModel(model, {});
  return cached.map(({ type, path }) => {
    const context = Math.max(...prompts, generate + 1);
    const { shape: read, bytesNeeded } = native().kernelPlan(path, { context, batch: BATCH, threads: 1 });
    return { path, shape: read, bench: benchedModel(type, path, bytesNeeded) };
  });
}

function benchedModel(type, path, passBytes) {
  const { tensors, parts } = native().inspect(path, { arrays: false, digest: false });
  const matrices = tensors.filter(({ shape }) => shape.length === 2);
  const output =
    matrices.find(({ name }) => name === 'output.weight') ?? matrices.find(({ name }) => name === 'token_embd.weight');
  const layers = matrices.filter(({ name }) => name.startsWith('blk.'));
  const weights = ({ shape }) => shape[0] * shape[1];
  return {
    ...{ type, fileBytes: parts[0].bytes, passBytes },
    layerWeights: layers.reduce((sum, tensor) => sum + weights(tensor), 0),
    layerBytes: layers.reduce((sum, { bytes }) => sum + bytes, 0),
    ...{ outputWeights: weights(output), outputBytes: output.bytes },
  };
}

const barrier = { readyFd: READY_FD, releaseFd: RELEASE_FD };
const base = { parent: process.pid, node: null, build: null };
const { name, mechanism, options } = await findLoader('mmap-shared');

/** The answer of a process of its own, or the reason why there is none. */
async function ask(task) {
  const child = spawnChild(task, TIMEOUT_MS);
  if (await child.ready) child.release();
  const ended = await child.ended;
  if (ended.kind === 'answered') return ended.answer;
  const message =
    ended.kind === 'timeout' ? 'took too long' : `ended with ${ended.signal ?? `exit code ${ended.exitCode}`}`;
  return {
    kind: 'failed',
    reason: { code: 'process-failed', operation: 'spawn', message, path: null, errno: null, remedy: null },
  };
}

/** As `weighbridge limits` sums a mapping, in a process of its own; one sum of a small model is over in no time. */
async function ceilingOf(setting, { path, bench }) {
  const limits = new LimitProcess(new AbortController().signal);
  try {
    const spec = { paths: [path], from: 0, bytes: bench.fileBytes, threads: setting.threads };
    const sums = [];
    while (sums.length < SUMS) sums.push(await limits.ask('mappingTransfer', spec));
    return { ...setting, kind: 'ceiling', bytes: sums[0].bytes, ns: sums.map(({ ns }) => ns) };
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === null) throw error;
    return { ...setting, kind: 'failed', isa: null, reason };
  } finally {
    await limits.close();
  }
}

async function sampleOf(setting, { path, shape }, { prompt, generate }) {
  const spec = {
    ...{ path, mechanism, options: options ?? {}, shape, isa: setting.isa, threads: setting.threads },
    ...{ context: Math.max(prompt, generate + 1), batch: Math.max(1, Math.min(BATCH, prompt)), prompt, generate },
    ...{ work: 'infer', pass: 'time', held: false, node: null, ...barrier },
  };
  const answer = await ask({
    ...base,
    kind: 'sample',
    loader: { name, module: null, moduleDigest: null, paths: [path] },
    spec,
  });
  if (answer.kind === 'failed') return { ...setting, ...answer };
  const { ttftNs, tokens, phases } = answer.sample;
  if (prompt > 0) return { ...setting, kind: 'prefill', prompt, ns: phases.prefill.ns };
  // The first token's pass alone, which the list begins with, pays for page faults.
  return { ...setting, kind: 'decode', firstTokenNs: ttftNs, tokenNs: tokens.perTokenNs.slice(1) };
}

/** A model in the page cache as a run makes it warm, and held there. */
async function warm({ path }, isFirst) {
  const { resident, size: bytes } = native().residency([path]);
  if (!isFirst && resident === bytes) return native().hold([path]);
  const prepared = await prepareCache(
    [path],
    'warm',
    native().fileFacts(path).fileSystem,
    new AbortController().signal,
  );
  if ('outcome' in prepared) end(1, `${path}: ${prepared.reason.message}`);
  return prepared;
}

async function roundOf(round, models, { types, isas, threads, prompts, generate }) {
  const turned = (list) => (round % 2 === 1 ? list : list.toReversed());
  const samples = [];
  for (const type of types) {
    const model = models.find(({ bench }) => bench.type === type);
    const held = await warm(model, round === 1);
    for (const count of turned(threads)) {
      const setting = { round, type, threads: count };
      samples.push(await ceilingOf(setting, model));
      for (const isa of turned(isas)) {
        samples.push(await sampleOf({ ...setting, isa }, model, { prompt: 0, generate }));
        for (const prompt of prompts) samples.push(await sampleOf({ ...setting, isa }, model, { prompt, generate: 0 }));
      }
    }
    held.release();
  }
  return samples;
}

const given = argumentsOf();
const plan = planOf(given);
try {
  // A type that does not fit the shape is refused here, before the wait for other measurements and before a file is touched.
  for (const type of plan.types) cachedModel(plan.shape, { type });
  checkOutputs(given);
  const lock = await lockMachine(plan.lockWait, new AbortController().signal, (holder) =>
    tell(`waiting for ${holder}`),
  );
  const startedAt = new Date().toISOString();
  const models = await modelsOf(plan);
  const samples = [];
  for (let round = 1; round <= plan.rounds; round++) {
    tell(`round ${round} of ${plan.rounds}`);
    samples.push(...(await roundOf(round, models, plan)));
  }
  lock.release();
  const bench = {
    ...{
      kind: 'kernel-bench',
      schema: 1,
      tool: `weighbridge ${process.env.npm_package_version ?? ''}`.trim(),
      startedAt,
    },
    machine: machineFacts(models[0].path),
    runtime: { node: process.version, isas: native().isas() },
    ...{ shape: plan.shape, rounds: plan.rounds, prompts: plan.prompts, batch: BATCH },
    ...{ models: models.map((model) => model.bench), samples },
  };
  const { written, write } = writer();
  if (given.json !== undefined) write(given.json, [`${JSON.stringify(bench)}\n`]);
  await writeDrawings({ svg: given.svg ?? null, png: given.png ?? null }, kernelCharts(bench), write);
  process.stdout.write(`${machineLine(bench.machine)}\n`);
  process.stdout.write(`${plan.shape}, ${counted(plan.rounds, 'round')}: medians (lowest–highest)\n\n`);
  process.stdout.write(kernelTable({ rows: benchRows(bench), ceilings: ceilingRows(bench), prompts: plan.prompts }));
  for (const path of written) tell(`wrote ${path}`);
  const failed = samples.filter(({ kind }) => kind === 'failed');
  for (const { type, isa, reason } of failed) tell(`${type} ${isa ?? 'ceiling'}: ${reason.message}`);
  if (failed.length > 0) process.exitCode = 1;
} catch (error) {
  const { line, code } = failureOf(error);
  end(code, line);
}
