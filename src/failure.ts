/** How errors become one clear line and an exit code. */
import type { Reason } from './samples/record.js';

export const exitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  regression: 3,
  inconclusive: 4,
  interrupted: 130,
} as const;

/** The caller asked for something that cannot be: exit code 2. The message is one line: what, where, what to do. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Ended by a signal: exit code 130. The message says what of the work is saved. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** An error made in TypeScript that carries a Reason, as those of the addon do. */
export function failWith(reason: Partial<Reason> & Pick<Reason, 'code' | 'operation' | 'message'>): Error {
  return Object.assign(new Error(reason.message), { path: null, errno: null, remedy: null }, reason);
}

/** Codes of errors that lie in what the user named: a model file, a directory, an option. */
const inputCodes = new Set([
  'bad-option',
  'bad-shape',
  'disk-full',
  'file-empty',
  'file-exists',
  'file-missing',
  'file-unreadable',
  'malformed',
  'missing-part',
  'missing-tensor',
  'not-a-file',
  'not-gguf',
  'truncated',
  'unsupported-architecture',
  'unsupported-isa',
  'unsupported-tokenizer',
  'unsupported-type',
  'unsupported-version',
]);

/** An error thrown by the addon, whose properties are a Reason. */
export function reasonOf(error: unknown): Reason | null {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return null;
  const fields = error as Error & Partial<Record<keyof Reason, unknown>>;
  const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
  return {
    code: error.code,
    operation: text(fields.operation) ?? text((error as NodeJS.ErrnoException).syscall) ?? 'unknown',
    path: text(fields.path),
    errno: text(fields.errno) ?? (/^E[A-Z0-9]+$/.test(error.code) ? error.code : null),
    message: error.message,
    remedy: text(fields.remedy),
    offset: typeof fields.offset === 'number' ? fields.offset : null,
  };
}

/** One line for people: where, what, what to do. Control characters are made visible, since paths and names are foreign text. */
export function describe(reason: Reason): string {
  const parts = [
    reason.path === null ? '' : `${reason.path}: `,
    reason.message,
    typeof reason.offset === 'number' ? ` (at byte ${reason.offset})` : '',
    reason.remedy === null ? '' : `; ${reason.remedy}`,
  ];
  return printable(parts.join(''));
}

/** Escapes control characters (ANSI sequences, newlines) so that foreign text stays on its line and cannot steer a terminal. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`;
  });
}

const systemErrors: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'read-only file system',
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'disk quota exceeded',
  ENOTDIR: 'not a directory',
  EISDIR: 'is a directory',
  EEXIST: 'exists already',
};

/** The line and the exit code of whatever a command threw. */
export function failureOf(error: unknown): { readonly line: string; readonly code: number } {
  if (error instanceof UsageError) {
    // yargs spreads some messages over lines.
    return { line: printable(error.message.replace(/\s*\n\s*/g, ' ')), code: exitCode.usage };
  }
  if (error instanceof Interrupted) return { line: printable(error.message), code: exitCode.interrupted };
  const reason = reasonOf(error);
  if (reason !== null) {
    const system = systemErrors[reason.code];
    if (system !== undefined) {
      const full = reason.code === 'ENOSPC' || reason.code === 'EDQUOT';
      const line = describe({ ...reason, message: `${system} (${reason.operation})` });
      return { line, code: full ? exitCode.failed : exitCode.usage };
    }
    return { line: describe(reason), code: inputCodes.has(reason.code) ? exitCode.usage : exitCode.failed };
  }
  return { line: printable(error instanceof Error ? error.message : String(error)), code: exitCode.failed };
}
