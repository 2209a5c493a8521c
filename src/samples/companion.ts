/** Starts what is to run beside a sample, and asks it what it really did. */
import { fileURLToPath } from 'node:url';
import { availableMemory } from '../machine.js';
import { native } from '../native.js';
import { size, sizes } from '../size.js';
import { lastLineOf } from './command-output.js';
import type { CompanionAnswer, CompanionReport, CompanionTask, CompanionWork } from './companion-types.js';
import { direct, type Launcher } from './launch.js';
import { refusal, type Refusal } from './states.js';

export type { CompanionReport, CompanionWork } from './companion-types.js';

const companionPath = fileURLToPath(new URL('./companion-child.js', import.meta.url));

export interface Companion {
  /** Undefined where its launcher does not tell. */
  readonly pid: number | undefined;
  /** To be called when the sample is released: what it does from now on is reported. */
  begin(): void;
  /** Ends it. A refusal where it died or did not do its work: then the sample did not run beside it. */
  end(): Promise<CompanionReport | Refusal>;
}

/** Ready when it resolves: the memory is held, or the file is open or read. Throws AbortError when interrupted. */
export async function startCompanion(
  work: CompanionWork,
  signal: AbortSignal,
  launcher: Launcher = direct,
): Promise<Companion | Refusal> {
  const short = work.kind === 'hold' ? refuseShort(work.bytes) : null;
  if (short !== null) return short;
  const task: CompanionTask = { parent: launcher.parent, work };
  const child = launcher.launch(process.execPath, [companionPath, JSON.stringify(task)]);
  child.release.on('error', () => undefined);
  const chunks: Buffer[] = [];
  const ready = new Promise<boolean>((resolve) => {
    child.answer.on('data', (chunk: Buffer) => {
      const first = chunks.length === 0 && chunk[0] === READY;
      chunks.push(first ? chunk.subarray(1) : chunk);
      if (first) resolve(true);
    });
    void child.ended.then(() => resolve(false));
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-STDERR_KEPT)));
  const outcome = child.ended.then(({ exitCode, signal: killed, problem }): CompanionReport | Refusal => {
    const answer = killed === null ? parse(Buffer.concat(chunks)) : null;
    if (answer?.kind === 'reported') return answer.report;
    if (answer?.kind === 'failed') return { outcome: 'failed', reason: answer.reason };
    const how = problem ?? killed ?? `exit code ${exitCode ?? 'unknown'}`;
    const last = lastLineOf(stderr);
    return refusal(
      'invalid',
      'companion-died',
      'companion',
      `what was to run beside the sample ended with ${how}${last === '' ? '' : `: ${last}`}`,
      killed === 'SIGKILL' ? 'perhaps memory ran short (see dmesg): give it less' : null,
    );
  });
  const stop = (): void => child.kill();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const began = await ready;
  signal.throwIfAborted();
  if (!began) {
    signal.removeEventListener('abort', stop);
    const ended = await outcome;
    return 'outcome' in ended ? ended : refusal('failed', 'companion-died', 'companion', 'it ended at once');
  }
  return {
    pid: child.pid,
    begin: () => void child.release.write('G'),
    end: async () => {
      child.release.end();
      const ended = await outcome;
      signal.removeEventListener('abort', stop);
      return ended;
    },
  };
}

/** 'R' */
const READY = 0x52;
const STDERR_KEPT = 4096;

/** Left beside it: for its runtime, and for what runs on the machine. */
const RESERVE = 512 * 2 ** 20;

/** Null where so much can be held beside a sample now, or where nobody can tell. */
export function refuseShort(bytes: number): Refusal | null {
  const available = availableMemory();
  if (available === null || bytes + RESERVE <= available) return null;
  const [needed, free] = sizes(bytes + RESERVE, available);
  return refusal(
    'unsupported',
    'memory-short',
    'companion',
    `holding ${size(bytes)} needs ${needed} with a reserve, and ${free} are available`,
    'hold less',
  );
}

function parse(bytes: Buffer): CompanionAnswer | null {
  try {
    return JSON.parse(bytes.toString('utf8')) as CompanionAnswer;
  } catch {
    return null;
  }
}

/** Bytes of a file in the page cache; null where it may not be known. */
export function cachedBytesOf(path: string): number | null {
  const { source, resident } = native().residency([path]);
  return source === 'none' ? null : resident;
}
