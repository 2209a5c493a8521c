import { textWidth, wrap as linesOf } from '../reports/text-layout.js';

/** How wide lines are: the terminal's width within reason, 80 columns where there is none. */
export function columnsOf(stream: NodeJS.WriteStream): number {
  return Math.max(40, Math.min(stream.isTTY ? stream.columns : 80, 100));
}

/**
 * Breaks text at spaces into lines of at most `columns` columns, each beginning with `indent` (the first with `first`, of
 * the same width, where given). A word longer than a line keeps a line to itself, so that a path can be copied.
 */
export function wrap(text: string, columns: number, indent = '', first = indent): string {
  const [head = '', ...rest] = linesOf(text.replace(/\s+/g, ' '), columns - textWidth(indent), 'keep');
  return [first + head, ...rest.map((line) => indent + line)].join('\n');
}
