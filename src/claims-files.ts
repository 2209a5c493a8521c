/** The reports of judged claims as files, and the claims of a directory read back. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { claimsCsv } from '../reports/claims-csv.js';
import { claimsMarkdown } from '../reports/claims-markdown.js';
import { UsageError } from './failure.js';
import { claimsReport, type ClaimsReport } from './report/claims.js';
import { claimsPage, type JudgedPart } from './report/claims-page.js';
import { pageScripts, writeDrawings, type Outputs } from './report-files.js';
import { readLedger } from './samples/ledger.js';
import { CLAIMS_SCHEMA, CLAIM_PARTS, CLAIM_VERDICTS, type ClaimResult } from './statistics/claims-types.js';
import { summarize } from './statistics/summarize.js';
import { writeWhole } from './whole-file.js';

export const CLAIMS_FILE = 'claims.json';

export interface Judged {
  readonly report: ClaimsReport;
  readonly claims: readonly ClaimResult[];
  readonly parts: readonly JudgedPart[];
}

/** What is written where nothing else is asked for. */
export function usualOutputs(directory: string): Outputs {
  const [html, md] = [join(directory, 'claims.html'), join(directory, 'claims.md')];
  return { ...{ html, md, csv: directory }, ...{ json: null, junit: null, svg: null, png: null } };
}

/** Returns the paths of all files in the order in which they were written; the page is last. */
export async function writeClaims(
  { html, md, csv, svg, png }: Outputs,
  { report, claims, parts }: Judged,
): Promise<readonly string[]> {
  const written: string[] = [];
  const write = (path: string, chunks: Iterable<string | Uint8Array>): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeWhole(path, chunks);
    written.push(path);
  };
  if (csv !== null) write(join(csv, 'claims.csv'), [claimsCsv(claims)]);
  if (md !== null) write(md, [claimsMarkdown(report)]);
  if (html === null && svg === null && png === null) return written;
  const page = claimsPage(report, claims, parts);
  await writeDrawings({ svg, png }, page.charts, write);
  if (html !== null) {
    const { claimsHtml } = await import('../reports/claims-html.js');
    write(html, [await claimsHtml(page, pageScripts())]);
  }
  return written;
}

export function isClaimsDirectory(directory: string): boolean {
  return existsSync(join(directory, CLAIMS_FILE));
}

/** Verdicts as they stand in the file, and the parts from their ledgers. Throws UsageError. */
export function readClaims(directory: string): Judged {
  const path = join(directory, CLAIMS_FILE);
  const file = parse(path);
  const parts = file.parts.map(({ name, why, reason, directory: folder }): JudgedPart => {
    if (folder === null) return { name, why, summary: null, ledger: null, reason: reason ?? 'it was not weighed' };
    const { ledger } = readLedger(join(directory, name));
    return { name, why, summary: summarize(ledger), ledger, reason: null };
  });
  const run = parts.flatMap(({ ledger }) => ledger?.run ?? [])[0];
  if (run === undefined) throw new UsageError(`${path}: no part of it was weighed; ${AGAIN}`);
  return { report: claimsReport(file.model, run, file.claims, file.notes ?? []), claims: file.claims, parts };
}

/** As much of the file as a report needs. */
interface ClaimsFile {
  readonly model: Parameters<typeof claimsReport>[0];
  readonly parts: readonly {
    readonly name: (typeof CLAIM_PARTS)[number];
    readonly why: string;
    readonly reason: string | null;
    readonly directory: string | null;
  }[];
  readonly claims: readonly ClaimResult[];
  readonly notes?: readonly string[];
}

const AGAIN = 'weighbridge claims writes it';

function parse(path: string): ClaimsFile {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const detail =
      error instanceof SyntaxError
        ? 'it is not JSON'
        : `it cannot be read (${String((error as NodeJS.ErrnoException).code)})`;
    throw new UsageError(`${path}: ${detail}; ${AGAIN}`);
  }
  const wrong = complaintOf(value);
  if (wrong !== null) throw new UsageError(`${path}: ${wrong}; ${AGAIN}`);
  return value as ClaimsFile;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string';
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const isVerdict = (value: unknown): boolean => (CLAIM_VERDICTS as readonly unknown[]).includes(value);
const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);
const orNull =
  (holds: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === null || holds(value);

/** What is wrong with it, in a few words. */
function complaintOf(value: unknown): string | null {
  if (!isRecord(value)) return 'it is no record of claims';
  if (value['schema'] !== CLAIMS_SCHEMA)
    return `its schema is ${String(value['schema'])}, and ${CLAIMS_SCHEMA} is known`;
  const { model, parts, claims, notes = [] } = value;
  if (!isRecord(model) || !isText(model['path']) || !isNumber(model['bytes']) || !isText(model['fileSystem'])) {
    return 'its model is no model';
  }
  if (!Array.isArray(parts) || !parts.every(isPart)) return 'its parts are no parts of claims';
  if (!Array.isArray(claims) || !claims.every(isClaim)) return 'its claims are no claims';
  return isTexts(notes) ? null : 'its notes are no notes';
}

function isPart(value: unknown): boolean {
  return (
    isRecord(value) &&
    (CLAIM_PARTS as readonly unknown[]).includes(value['name']) &&
    isText(value['why']) &&
    orNull(isText)(value['reason']) &&
    orNull((of) => of === value['name'])(value['directory'])
  );
}

function isClaim(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { number, id, claim, asks, verdict, why, measures, notes } = value;
  return (
    Number.isInteger(number) &&
    [id, claim, asks, why].every(isText) &&
    isVerdict(verdict) &&
    isTexts(notes) &&
    Array.isArray(measures) &&
    measures.every(isMeasure)
  );
}

function isMeasure(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { what, place, unit, bounds, claimed, verdict, why, decides } = value;
  return (
    [what, place, why].every(isText) &&
    ['ratio', 'share', 'bytes', 'ns'].includes(String(unit)) &&
    typeof decides === 'boolean' &&
    orNull(isVerdict)(verdict) &&
    orNull(
      (of) =>
        isRecord(of) &&
        [of['n'], of['median'], of['low'], of['high']].every(isNumber) &&
        orNull(isNumber)(of['confidence']),
    )(bounds) &&
    orNull((of) => isRecord(of) && ['at-least', 'at-most'].includes(String(of['bound'])) && isNumber(of['figure']))(
      claimed,
    )
  );
}
