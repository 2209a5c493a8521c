/**
 * The process in which limits are measured: what goes wrong there (a file that is cut, memory that runs out) ends it and
 * not the run. Answers one request at a time over Node's channel to its parent; goes when the channel closes.
 */
import { reasonOf } from '../failure.js';
import { native } from '../native.js';
import type { LimitAnswer, LimitQuestion } from './limit-process.js';

const parent = Number(process.argv[2]);

process.on('message', (question: LimitQuestion) => {
  process.send?.(answerTo(question));
});
process.on('disconnect', () => process.exit());
if (!native().bindToParent(parent, true)) process.exit();

function answerTo({ measure, spec }: LimitQuestion): LimitAnswer {
  try {
    // Name and argument belong together by the type of LimitProcess.ask.
    const measurements = native() as unknown as Record<LimitQuestion['measure'], (argument: unknown) => unknown>;
    return { kind: 'measured', value: measurements[measure](spec) };
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === null) throw error;
    return { kind: 'failed', reason };
  }
}
