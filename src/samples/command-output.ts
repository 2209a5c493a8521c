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

/** What Node writes last of all when an error ends it; the error is above. */
const NODE_VERSION = /^Node\.js v\d/;

/** Of what a program wrote on standard error, of a Node that threw the error; '' without one. */
export function lastLineOf(text: string): string {
  const lines = text.trimEnd().split('\n');
  const last = lines.at(-1) ?? '';
  const thrown = NODE_VERSION.test(last) ? lines.find((each) => /^\w*Error\b/.test(each)) : undefined;
  const line = (thrown ?? last).trim();
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
}
