/** A file of lines, read a piece at a time: ledgers are longer than memory. */
import { closeSync, openSync, readSync } from 'node:fs';

const NEW_LINE = 0x0a;
const PIECE = 2 ** 22;

export interface WholeLines {
  /** Bytes up to and with the last line break. */
  readonly goodBytes: number;
  /** Bytes behind it. */
  readonly tornBytes: number;
}

/** Calls `onLine` with each whole line and its number, from 1. Throws the system's errors, and what `onLine` throws. */
export function readLines(path: string, onLine: (line: string, number: number) => void): WholeLines {
  const file = openSync(path, 'r');
  try {
    let buffer = Buffer.allocUnsafe(PIECE);
    let held = 0;
    let number = 0;
    let goodBytes = 0;
    for (;;) {
      // A line that is longer than the buffer.
      if (held === buffer.length) buffer = Buffer.concat([buffer], 2 * held);
      const read = readSync(file, buffer, held, buffer.length - held, null);
      if (read === 0) return { goodBytes, tornBytes: held };
      const searched = held;
      held += read;
      let begin = 0;
      for (let end = buffer.indexOf(NEW_LINE, searched); end !== -1 && end < held;) {
        onLine(buffer.toString('utf8', begin, end), ++number);
        begin = end + 1;
        end = buffer.indexOf(NEW_LINE, begin);
      }
      goodBytes += begin;
      buffer.copyWithin(0, begin, held);
      held -= begin;
    }
  } finally {
    closeSync(file);
  }
}
