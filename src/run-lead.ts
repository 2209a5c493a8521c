/** What the page of a run that is there already begins with, where `aa` or `recommend` made it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NOISE_FILE } from './noise-store.js';
import { leadOfAdvice, leadOfNoise } from './report/leads.js';
import { noiseReport } from './report/noise.js';
import type { Lead } from './report/page-types.js';
import type { Advice } from './report/recommend.js';
import type { Ledger } from './samples/record.js';
import { noiseOf } from './statistics/noise.js';
import { writeWhole } from './whole-file.js';

const ADVICE_FILE = 'recommendation.json';

/** Kept beside the ledger, which does not say how much memory there was, and for how many processes it was asked. */
export function storeAdvice(directory: string, text: string): void {
  writeWhole(join(directory, ADVICE_FILE), [text]);
}

/** Null where the run's own answer is what it was made for. */
export function leadOf(ledger: Ledger, directory: string): Lead | null {
  const advice = adviceIn(join(directory, ADVICE_FILE));
  if (advice !== null) return leadOfAdvice(advice);
  if (!existsSync(join(directory, NOISE_FILE))) return null;
  try {
    const records = noiseOf(ledger, directory);
    return leadOfNoise(records, noiseReport(records, ledger));
  } catch (error) {
    // Such a file beside a run of something else says nothing of it.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Null where there is none that can be read: the run still has its page. */
function adviceIn(path: string): Advice | null {
  try {
    const { advice } = JSON.parse(readFileSync(path, 'utf8')) as { readonly advice?: unknown };
    return isAdvice(advice) ? advice : null;
  } catch {
    return null;
  }
}

function isAdvice(value: unknown): value is Advice {
  if (!isRecord(value)) return false;
  const { title, overall, sections, notes } = value;
  return (
    isText(title) &&
    (overall === null || isText(overall)) &&
    isListOf(notes, isText) &&
    isListOf(
      sections,
      (of) =>
        isRecord(of) &&
        isText(of['heading']) &&
        isText(of['take']) &&
        isListOf(of['items'], (item) => isRecord(item) && isText(item['term']) && isText(item['text'])),
    )
  );
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isListOf = (value: unknown, holds: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(holds);

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
