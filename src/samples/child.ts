/**
 * A sample's process. It makes one synchronous native call, so that no thread pool, promise or garbage collection disturbs
 * what is measured. argv[2] is a ChildTask as JSON.
 */
import { writeSync } from 'node:fs';
import { reasonOf } from '../failure.js';
import { native } from '../native.js';
import { READY_FD, type ChildAnswer, type ChildTask } from './protocol.js';

function answer(task: ChildTask): ChildAnswer {
  try {
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
if (native().bindToParent(task.parent, true)) {
  const text = Buffer.from(JSON.stringify(answer(task)));
  let done = 0;
  while (done < text.length) done += writeSync(READY_FD, text, done);
}
