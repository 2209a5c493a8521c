/**
 * A sample's process. It makes one synchronous native call, so that no thread pool, promise or garbage collection disturbs
 * what is measured; what a user brought is imported or opened before, and before the start barrier. argv[2] is a ChildTask
 * as JSON.
 */
import { writeSync } from 'node:fs';
import { UsageError, failWith, reasonOf } from '../failure.js';
import { native, type Callback } from '../native.js';
import { changedFile } from '../module-digest.js';
import { lastLineOf, matchedIn } from './command-output.js';
import {
  READY_FD,
  type ChildAnswer,
  type ChildTask,
  type CommandAnswer,
  type CommandTask,
  type SampleTask,
} from './protocol.js';

/** Refuses a file that is not the one that was planned, before anything of it runs. */
function refuseChanged({ loader, spec }: SampleTask): void {
  const { module, moduleDigest } = loader;
  if (module === null) return;
  const changed = changedFile({ module, mechanism: spec.mechanism, options: spec.options }, moduleDigest ?? '');
  if (changed === null) return;
  throw failWith({
    code: 'loader-changed',
    operation: 'import',
    path: changed,
    message: 'the loader changed since the run began',
    remedy: 'start a new run',
  });
}

async function callbackOf({ loader, spec }: SampleTask): Promise<Callback> {
  if (spec.mechanism !== 'callback') return {};
  // Imported for it alone: every other sample would start some milliseconds later.
  const { loadFunctionOf } = await import('../catalog.js');
  try {
    return { load: await loadFunctionOf(loader.name, loader.module) };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw failWith({ code: 'bad-loader', operation: 'import', message: error.message });
  }
}

/** The library is asked here, and stays open: linking it belongs to no interval. */
function askLibrary({ loader, spec }: SampleTask): void {
  if (spec.mechanism !== 'external') return;
  const reason = native().unsupported(spec.mechanism, loader.paths, spec.options);
  if (reason !== null) throw failWith(reason);
}

function runProgram({ pattern, spec }: CommandTask): CommandAnswer {
  const { output, errors, ...command } = native().runCommand(spec);
  const said = errors.toString();
  const matched = pattern === null ? null : matchedIn(pattern, output.toString(), said);
  return { kind: 'command', command, matched, lastLine: lastLineOf(said) };
}

/** Null when the parent is gone already: then nobody waits for an answer. */
async function answer(task: ChildTask): Promise<ChildAnswer | null> {
  try {
    if (!native().bindToParent(task.parent, true)) return null;
    const bound = task.node === null ? {} : { boundNode: task.node, boundCpus: native().bindToNode(task.node) };
    if (task.kind === 'ceiling') return { kind: 'ceiling', ceiling: native().runCeiling(task.spec) };
    if (task.kind === 'command') return runProgram(task);
    refuseChanged(task);
    askLibrary(task);
    const callback = await callbackOf(task);
    const sample = native().runSample({ ...task.spec, ...callback });
    return { kind: 'sample', sample: { ...sample, effective: { ...sample.effective, ...bound } } };
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === null) throw error;
    return { kind: 'failed', reason };
  }
}

const task = JSON.parse(process.argv[2] ?? '') as ChildTask;
const given = await answer(task);
if (given !== null) {
  const text = Buffer.from(JSON.stringify(given));
  let done = 0;
  while (done < text.length) done += writeSync(READY_FD, text, done);
}
