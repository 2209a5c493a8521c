/** How wide lines are: the terminal's width within reason, 80 columns where there is none. */
export function columnsOf(stream: NodeJS.WriteStream): number {
  return Math.max(40, Math.min(stream.isTTY ? stream.columns : 80, 100));
}

/**
 * Breaks text at spaces into lines of at most `columns` characters, each beginning with `indent` (the first with
 * `first`, of the same length, where given). A word longer than a line keeps a line to itself.
 */
export function wrap(text: string, columns: number, indent = '', first = indent): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && indent.length + line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines.map((content, index) => `${index === 0 ? first : indent}${content}`).join('\n');
}
