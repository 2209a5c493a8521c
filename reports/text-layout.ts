/** Text in a fixed number of terminal columns. */

/** Combining marks and format characters take no column; East Asian wide characters and emoji take two (UAX #11). */
const zeroWidth = /[\p{Mn}\p{Me}\p{Cf}]/u;
const doubleWidth =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;

/** Columns that a text takes; it holds no control characters. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += zeroWidth.test(character) ? 0 : doubleWidth.test(character) ? 2 : 1;
  return width;
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - textWidth(text)));
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - textWidth(text))) + text;
}

/** The longest beginning that fits. */
function head(text: string, width: number): string {
  let end = '';
  let taken = 0;
  for (const character of text) {
    taken += textWidth(character);
    if (taken > width) break;
    end += character;
  }
  return end;
}

export function truncate(text: string, width: number): string {
  return textWidth(text) <= width ? text : `${head(text, width - 1)}…`;
}

function reversed(text: string): string {
  return Array.from(text).reverse().join('');
}

/** Cuts the middle out: names of variants differ at their ends. */
export function shorten(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  const tail = reversed(head(reversed(text), Math.floor((width - 1) / 2)));
  return `${head(text, width - 1 - textWidth(tail))}…${tail}`;
}

/** Lines of at most `width` columns, broken at spaces; words longer than a line are broken anywhere, or kept whole. */
export function wrap(text: string, width: number, longWords: 'break' | 'keep' = 'break'): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (textWidth(longer) <= width) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    line = word;
    while (longWords === 'break' && textWidth(line) > width) {
      const piece = head(line, Math.max(2, width));
      lines.push(piece);
      line = line.slice(piece.length);
    }
  }
  return line === '' ? lines : [...lines, line];
}

/** A text beside a margin: the margin on its first line, blanks of the same width on the others. */
export function hang(margin: string, text: string, width: number): readonly string[] {
  const indent = textWidth(margin);
  return wrap(text, width - indent).map((line, index) => (index === 0 ? margin : ' '.repeat(indent)) + line);
}

/** As it begins a sentence or stands above a column. */
export function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
