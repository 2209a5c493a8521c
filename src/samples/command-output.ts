/** What is wanted of a program's output. */

/** The number that the pattern's group picks, of standard output first, then of standard error; null where there is none. */
export function matchedIn(pattern: string, output: string, errors: string): number | null {
  for (const text of [output, errors]) {
    const found = new RegExp(pattern, 'm').exec(text)?.[1];
    const value = found === undefined || found.trim() === '' ? Number.NaN : Number(found);
    if (Number.isFinite(value)) return value;
  }
  return null;
}

const LONGEST = 300;

/** Of what a program wrote on standard error; '' without one. */
export function lastLineOf(text: string): string {
  const line = text.trimEnd().split('\n').at(-1)?.trim() ?? '';
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
}
