/** The page as JSON, for programs: `reportSchema` describes it. */
import type { Page } from '../src/report/page.js';
import { REPORT_VERSION } from './report-schema.js';

/** In pieces, since a ratio has as many values as pairs. Ends with a line break. */
export function* pageJsonChunks(page: Page): Generator<string, void, void> {
  yield* jsonChunks({ kind: 'report', version: REPORT_VERSION, ...page }, '\n');
  yield '\n';
}

export function pageJson(page: Page): string {
  return [...pageJsonChunks(page)].join('');
}

/** From this length on a list is written a piece at a time. */
const LONG = 10_000;

/** The text that JSON.stringify gives with an indent of 1. `begin`: of a line, at the depth of the value. */
function* jsonChunks(value: unknown, begin: string): Generator<string, void, void> {
  if (!holdsLong(value)) {
    // Line breaks within strings are escaped: those that are left are of the indent.
    yield JSON.stringify(value, null, 1).replaceAll('\n', begin);
    return;
  }
  const inner = `${begin} `;
  if (Array.isArray(value)) {
    let before = `[${inner}`;
    for (let at = 0; at < value.length; at += LONG) {
      const items: readonly unknown[] = value.slice(at, at + LONG);
      if (items.some(holdsLong)) {
        for (const item of items) {
          yield before;
          yield* jsonChunks(item, inner);
          before = `,${inner}`;
        }
      } else {
        // Without the brackets of the list, which stand on lines of their own.
        yield `${before}${JSON.stringify(items, null, 1).slice(3, -2).replaceAll('\n', begin)}`;
        before = `,${inner}`;
      }
    }
    yield `${begin}]`;
    return;
  }
  let before = `{${inner}`;
  for (const [name, each] of Object.entries(value as object)) {
    if (each === undefined) continue;
    yield `${before}${JSON.stringify(name)}: `;
    yield* jsonChunks(each, inner);
    before = `,${inner}`;
  }
  yield `${begin}}`;
}

function holdsLong(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.length > LONG || (typeof value[0] === 'object' && value.some(holdsLong));
  return Object.values(value).some(holdsLong);
}
