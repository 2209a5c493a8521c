/** A file of lines, read a piece at a time: ledgers are longer than memory. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const NEW_LINE = 0x0a;
const PIECE = 2 ** 22;

export interface WholeLines {
  /** Bytes up to and with the last line break. */
  readonly goodBytes: number;
  /** Bytes behind it. */
  readonly tornBytes: number;
}

/** Bytes of a file, from the beginning of a line to that of another. */
export interface Stretch {
  readonly from: number;
  /** Infinity: to the end of the file. */
  readonly to: number;
}

const WHOLE: Stretch = { from: 0, to: Infinity };

/**
 * Calls `onLine` with each whole line of a stretch and its number there, from 1. Throws the system's errors, and what
 * `onLine` throws.
 */
export function readLines(
  path: string,
  onLine: (line: string, number: number) => void,
  { from, to } = WHOLE,
): WholeLines {
  const file = openSync(path, 'r');
  try {
    let at = from;
    let buffer = Buffer.allocUnsafe(PIECE);
    let held = 0;
    let number = 0;
    let goodBytes = 0;
    for (;;) {
      // A line that is longer than the buffer.
      if (held === buffer.length) buffer = Buffer.concat([buffer], 2 * held);
      const read = readSync(file, buffer, held, Math.min(buffer.length - held, to - at), at);
      at += read;
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

/** Stretches of about equal length that are the whole file, as many as `most`; the last is to its end, wherever it grows to. */
export function stretchesOf(path: string, most: number): readonly Stretch[] {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const begins = Array.from({ length: most }, (_, part) =>
      part === 0 ? 0 : lineAfter(file, Math.floor((size / most) * part)),
    );
    const distinct = [...new Set(begins)].filter((begin) => begin === 0 || begin < size);
    return distinct.map((from, part) => ({ from, to: distinct[part + 1] ?? Infinity }));
  } finally {
    closeSync(file);
  }
}

/** Without its line break, where it has one. */
export function firstLineOf(path: string): string {
  const file = openSync(path, 'r');
  try {
    const line = Buffer.alloc(lineAfter(file, 0));
    let held = 0;
    for (let read = 1; read > 0 && held < line.length; held += read) {
      read = readSync(file, line, held, line.length - held, held);
    }
    return line.toString('utf8', 0, held).replace(/\n$/, '');
  } finally {
    closeSync(file);
  }
}

/** Where the first line begins behind `at`; the end of the file where none does. */
function lineAfter(file: number, at: number): number {
  const piece = Buffer.allocUnsafe(2 ** 16);
  for (let from = at; ;) {
    const read = readSync(file, piece, 0, piece.length, from);
    const end = piece.subarray(0, read).indexOf(NEW_LINE);
    if (end !== -1) return from + end + 1;
    if (read === 0) return from;
    from += read;
  }
}
