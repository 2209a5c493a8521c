/** A ledger line by line, however long it is: what is held at once is one line and one piece of the file. */
import { closeSync, openSync, readSync } from 'node:fs';

const PIECE_BYTES = 1 << 20;
const NEW_LINE = 0x0a;

export interface LedgerLine {
  readonly text: string;
  /** Where it begins, and where the next one does. */
  readonly begin: number;
  readonly end: number;
}

/** The whole lines of a file. What follows the last line break is torn, and left out. Throws the system's errors. */
export function* linesOfFile(path: string): Generator<LedgerLine, void, void> {
  let held: Buffer[] = [];
  let begin = 0;
  for (const { bytes, at } of piecesOfFile(path, 0, Infinity)) {
    let from = 0;
    for (let to = bytes.indexOf(NEW_LINE); to !== -1; to = bytes.indexOf(NEW_LINE, from)) {
      const text = Buffer.concat([...held, bytes.subarray(from, to)]).toString('utf8');
      held = [];
      const end = at + to + 1;
      yield { text, begin, end };
      from = to + 1;
      begin = end;
    }
    // The piece's memory is used again.
    if (from < bytes.length) held.push(Buffer.from(bytes.subarray(from)));
  }
}

/** Bytes [begin, end) of a file, or up to its end; each piece is valid until the next one is asked for. */
export function* piecesOfFile(
  path: string,
  begin: number,
  end: number,
): Generator<{ readonly bytes: Buffer; readonly at: number }, void, void> {
  const file = openSync(path, 'r');
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  try {
    for (let at = begin; at < end;) {
      const read = readSync(file, piece, 0, Math.min(PIECE_BYTES, end - at), at);
      if (read === 0) return;
      yield { bytes: piece.subarray(0, read), at };
      at += read;
    }
  } finally {
    closeSync(file);
  }
}
