/** From judged claims and what their parts measured to a page. Pure. */
import type { Ledger } from '../samples/record.js';
import type { ClaimPart, ClaimResult, ClaimVerdict, Measure } from '../statistics/claims-types.js';
import type { Summary } from '../statistics/summary-types.js';
import { boundsText, claimText, unitText, type ClaimsReport } from './claims.js';
import { claimCharts } from './claims-charts.js';
import { sentenceOf } from './foreign.js';
import { enumeration } from './format.js';
import { page } from './page.js';
import type { Chart, Fact, Page } from './page-types.js';

/** A part as it was weighed, or why it was not. */
export type JudgedPart = { readonly name: ClaimPart; readonly why: string } & (
  | { readonly summary: Summary; readonly ledger: Ledger; readonly reason: null }
  | { readonly summary: null; readonly ledger: null; readonly reason: string }
);

export interface ClaimsPage {
  /** The answer in one sentence. */
  readonly headline: string;
  readonly report: ClaimsReport;
  /** Of each claim of the report: the measures that its verdict rests on, a line each, and its charts. */
  readonly claims: readonly { readonly deciding: readonly string[]; readonly charts: readonly Chart[] }[];
  readonly parts: readonly ClaimsPagePart[];
  /** Of the claims and of all parts. */
  readonly charts: readonly Chart[];
  /** What this way of measuring cannot tell on this machine. */
  readonly unknown: readonly string[];
  readonly environment: readonly Fact[];
  readonly command: string;
}

export interface ClaimsPagePart {
  readonly name: ClaimPart;
  readonly why: string;
  /** Null where it was not weighed: `reason` says why. */
  readonly page: Page | null;
  /** False where only its memory was to be known: then its times say nothing, and stand in no chart. */
  readonly timed: boolean;
  readonly reason: string;
}

export function claimsPage(
  report: ClaimsReport,
  results: readonly ClaimResult[],
  judged: readonly JudgedPart[],
): ClaimsPage {
  const parts = judged.map((part): ClaimsPagePart => {
    const { name, why } = part;
    const timed = !MEMORY_ALONE.has(name);
    if (part.summary === null) return { name, why, timed, page: null, reason: sentenceOf(part.reason) };
    const whole = page(part.summary, part.ledger);
    const charts = whole.charts
      .filter(({ kind }) => timed || kind === 'memory' || kind === 'processes')
      // Ids are unique in the page that holds all parts.
      .map((chart) => ({ ...chart, id: `${name}${chart.id}` }));
    return { name, why, timed, page: { ...whole, charts }, reason: '' };
  });
  const claims = results.map((result) => ({
    deciding: decidingOf(result),
    charts: claimCharts(result).map((chart, index) => ({ id: `claim${result.number}x${index + 1}`, ...chart })),
  }));
  const pages = parts.flatMap((part) => part.page ?? []);
  return {
    headline: headlineOf(results),
    ...{ report, claims, parts },
    charts: [...claims, ...pages].flatMap(({ charts }) => charts),
    unknown: [...new Set(pages.flatMap(({ unknown }) => unknown))],
    // Of the machine and the tool, which all parts have in common; the plan of each part is its own.
    environment: (pages[0]?.environment ?? []).filter(({ term }) => !OF_A_PART.has(term)),
    command: pages[0]?.command ?? '',
  };
}

/** One round gives them times, too, of too few samples to be told. */
const MEMORY_ALONE: ReadonlySet<ClaimPart> = new Set(['memory', 'processes', 'copies']);

const OF_A_PART: ReadonlySet<string> = new Set(['Plan', 'Started', 'Ended', 'Resumed']);

/** As they are counted in a sentence. */
const COUNTED: readonly (readonly [ClaimVerdict, one: string, several: string])[] = [
  ['reproduced', 'is reproduced', 'are reproduced'],
  ['direction only', 'holds in direction only', 'hold in direction only'],
  ['refuted', 'is refuted', 'are refuted'],
  ['undecided', 'stays undecided', 'stay undecided'],
  ['not testable here', 'cannot be tested here', 'cannot be tested here'],
];

function headlineOf(results: readonly ClaimResult[]): string {
  const clauses = COUNTED.flatMap(([verdict, one, several]) => {
    const n = results.filter((each) => each.verdict === verdict).length;
    return n === 0 ? [] : [`${n} ${n === 1 ? one : several}`];
  });
  return `Of the ${results.length} claims of 2023 about loading by mmap, on this machine ${enumeration(clauses)}.`;
}

/** Those without a figure only where another has one: the verdict itself says why there is none. */
function decidingOf({ measures }: ClaimResult): readonly string[] {
  const deciding = measures.filter(({ decides }) => decides);
  return deciding.every(({ bounds }) => bounds === null) ? [] : deciding.map(lineOf);
}

function lineOf({ what, unit, bounds, claimed, why }: Measure): string {
  const text = unitText(unit);
  const held = claimed === null ? '' : `, claimed ${claimText(claimed, unit)}`;
  return sentenceOf(
    bounds === null ? `${what}: ${why}` : `${what}: ${text(bounds.median)}, ${boundsText(bounds, text)}${held}`,
  );
}
