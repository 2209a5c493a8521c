/** A command arm's sample: the task of its child, and what the program's numbers and end mean. */
import type { Cell } from '../plan/blocks.js';
import { CERTIFYING_SHARE, bad, fine, type Verdict } from './judge.js';
import { READY_FD, RELEASE_FD, type CommandAnswer, type CommandTask } from './protocol.js';
import type { Arm, CommandMeasurement, ModelRecord, Pass, Reason, Residency, State } from './record.js';

/** Stands in an argument for the path of the model, of its first part where there are several. */
export const MODEL = '{model}';

export function commandTask(arm: Arm, model: ModelRecord, pass: Pass): CommandTask {
  const { command } = arm;
  if (command == null) throw new Error(`the arm ${arm.id} has no command`);
  const { output, pattern } = command;
  const argv = command.argv.map((word) => word.replaceAll(MODEL, model.path));
  const barrier = { readyFd: READY_FD, releaseFd: RELEASE_FD };
  return {
    kind: 'command',
    parent: process.pid,
    node: arm.numa,
    build: null,
    pattern,
    spec: { argv, output, keepOutput: pattern !== null, pass, ...barrier },
  };
}

/** What of the answer goes into the ledger. */
export function commandMeasurement({ command, matched }: CommandAnswer): CommandMeasurement {
  const { wallNs, firstByteNs, userNs, systemNs, minorFaults, majorFaults, readBytes } = command;
  const { peakRss, peakPss, exitCode, signal } = command;
  return {
    ...{ wallNs, firstByteNs, userNs, systemNs, minorFaults, majorFaults, readBytes },
    ...{ peakRss, peakPss, exitCode, signal, matched },
  };
}

/** Why a program that ran gives no sample; null where it ended well. */
export function commandFailure(arm: Arm, { command, lastLine }: CommandAnswer): Reason | null {
  const { exitCode, signal } = command;
  if (exitCode === 0) return null;
  const where = { operation: 'command', path: arm.command?.argv[0] ?? null, errno: null };
  const said = lastLine === '' ? '' : `: ${lastLine}`;
  if (signal !== null) {
    return {
      ...{ code: 'killed-by-signal', ...where },
      message: `the program was ended by ${signal}${said}`,
      remedy: signal === 'SIGKILL' ? 'something ended it, perhaps the kernel for want of memory (see dmesg)' : null,
    };
  }
  return {
    ...{ code: 'command-failed', ...where },
    message: `the program ended with exit code ${exitCode ?? 'unknown'}${said}`,
    remedy: null,
  };
}

/** Residency certified the state where it may be read; where it may not, the bytes that the program read must. */
export function judgeCommand(
  { state }: Cell,
  { before }: Residency,
  { readBytes }: CommandMeasurement,
  model: ModelRecord,
): Verdict {
  if (before !== null || state === 'left') return fine;
  if (readBytes === null) {
    return bad(
      'invalid',
      'not-certified',
      "the program's bytes read cannot be read here, so nothing certifies the state",
    );
  }
  if (state === 'warm' && readBytes > 0) {
    return bad('invalid', 'read-while-warm', `${readBytes} bytes were read from storage in a warm sample`);
  }
  if (state === 'cold' && readBytes < CERTIFYING_SHARE * model.tensorBytes) {
    const told = `only ${readBytes} bytes were read from storage of the model's ${model.tensorBytes}`;
    return bad('invalid', 'not-cold', `${told}, which does not certify that it was cold`);
  }
  return fine;
}

/** What a reader must know of a sample whose program ended well. */
export function commandWarnings(arm: Arm, state: State, { command, matched }: CommandAnswer): readonly string[] {
  const { argv = [], pattern = null } = arm.command ?? {};
  return [
    argv.some((word) => word.includes(MODEL))
      ? ''
      : `no argument holds ${MODEL}: the model's states were prepared, but the program was not told which model it is`,
    pattern !== null && matched === null ? 'the pattern picked no number out of what the program wrote' : '',
    state === 'warm' && (command.readBytes ?? 0) > 0
      ? 'the program read from storage although all of the model was in the page cache at its start: files of its own, direct I/O, or pages that the system took back'
      : '',
    command.peakRss === null ? 'the program ended before its memory could be looked at' : '',
  ].filter((warning) => warning !== '');
}
