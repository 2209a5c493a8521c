/**
 * A sample's process. It makes one synchronous native call, so that no thread pool, promise or garbage collection disturbs
 * what is measured. argv[2] is a ChildTask as JSON.
 */
import { writeSync } from 'node:fs';
import { reasonOf } from '../failure.js';
import { native } from '../native.js';
import { READY_FD, type ChildAnswer, type ChildTask } from './protocol.js';

/** Null when the parent is gone already: then nobody waits for an answer. */
function answer(task: ChildTask): ChildAnswer | null {
  try {
    if (!native().bindToParent(task.parent, true)) return null;
    return task.kind === 'sample'
      ? { kind: 'sample', sample: native().runSample(task.spec) }
      : { kind: 'ceiling', ceiling: native().runCeiling(task.spec) };
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === null) throw error;
    return { kind: 'failed', reason };
  }
}

const task = JSON.parse(process.argv[2] ?? '') as ChildTask;
const given = answer(task);
if (given !== null) {
  const text = Buffer.from(JSON.stringify(given));
  let done = 0;
  while (done < text.length) done += writeSync(READY_FD, text, done);
}
