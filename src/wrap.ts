import { textWidth, truncate, wrap as linesOf } from '../reports/text-layout.js';

/** As much of a stream as lines for people need. */
export interface TextStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** How wide lines are: the terminal's width within reason, 80 columns where there is none. */
export function columnsOf({ isTTY, columns = 80 }: Pick<TextStream, 'isTTY' | 'columns'>): number {
  return Math.max(40, Math.min(isTTY === true ? columns : 80, 100));
}

/** Writes over the line that the cursor stands on; what does not fit is cut, since a second line would stay. */
export function live(stream: TextStream, text: string): void {
  stream.write(`${CLEARED}${truncate(text, (stream.columns ?? 80) - 1)}`);
}

/** The line that the cursor stands on, empty. */
export const CLEARED = '\r\u001b[K';

/** Writes one message: on a terminal broken to its width, elsewhere on one line, as programs read it. */
export function tell(stream: TextStream, message: string): void {
  const lines = stream.isTTY === true ? linesOf(message, columnsOf(stream), 'keep') : [message];
  stream.write(lines.map((line) => `${line}\n`).join(''));
}

/**
 * Breaks text at spaces into lines of at most `columns` columns, each beginning with `indent` (the first with `first`, of
 * the same width, where given). A word longer than a line keeps a line to itself, so that a path can be copied.
 */
export function wrap(text: string, columns: number, indent = '', first = indent): string {
  const [head = '', ...rest] = linesOf(text.replace(/\s+/g, ' '), columns - textWidth(indent), 'keep');
  return [first + head, ...rest.map((line) => indent + line)].join('\n');
}
