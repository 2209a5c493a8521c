/** A verdict in words and texts, for reports. Foreign text is made printable. */
import { printable } from '../failure.js';
import { duration, percent, size } from '../report/format.js';
import type { GateMetric } from '../samples/record.js';
import { COUNTERS, isCounter, type Counter } from '../statistics/metrics.js';
import type { ComparisonResult, VerdictFile, VerdictKind } from './verdict-types.js';
import { allowance, metricName, relative } from './words.js';

export interface VerdictRow {
  readonly metric: string;
  readonly base: string;
  readonly head: string;
  readonly ratio: string;
  readonly bounds: string;
  readonly n: string;
  readonly verdict: string;
  /** Smallest change that could have been seen. */
  readonly seen: string;
}

export interface VerdictSection {
  readonly heading: string;
  readonly rows: readonly VerdictRow[];
}

/** One comparison, for formats that list cases. */
export interface VerdictCase {
  readonly group: string;
  readonly name: string;
  readonly verdict: VerdictKind;
  /** One sentence, with the smallest change that could have been seen. */
  readonly message: string;
}

export interface VerdictView {
  readonly title: string;
  readonly verdict: VerdictKind;
  /** One sentence. */
  readonly headline: string;
  readonly advisory: string | null;
  /** Name and meaning. */
  readonly facts: readonly (readonly [string, string])[];
  readonly columns: VerdictRow;
  /** The columns that are told, in their order: bounds only where a row has any. */
  readonly shown: readonly (keyof VerdictRow)[];
  readonly sections: readonly VerdictSection[];
  /** A sentence for each comparison that is not unchanged; of many that stay open, one for each place. */
  readonly reasons: readonly string[];
  readonly notes: readonly string[];
  readonly cases: readonly VerdictCase[];
}

/** Longest foreign text that is told; names and paths may be of any length. */
const LONGEST = 300;

export function verdictView(file: VerdictFile): VerdictView {
  const { how, comparisons } = file;
  const places = [...new Set(comparisons.map(placeOf))];
  const rows = comparisons.map(rowOf);
  return {
    title: how === 'ab' ? 'Weighbridge: head against base' : 'Weighbridge: run against stored baseline',
    verdict: file.verdict,
    headline: headlineOf(file),
    advisory: file.advisory === null ? null : told(file.advisory),
    facts: [
      ['model', told(file.model)],
      ['base', `${told(file.base.name)}: ${told(file.base.detail)}`],
      ['head', `${told(file.head.name)}: ${told(file.head.detail)}`],
    ],
    columns: {
      metric: 'metric',
      base: 'base',
      head: 'head',
      ratio: '÷ base',
      bounds: 'bounds',
      n: how === 'ab' ? 'pairs' : 'n',
      verdict: 'verdict',
      seen: 'sees',
    },
    shown: COLUMNS.filter((name) => name !== 'bounds' || rows.some((row) => row[name] !== NONE)),
    sections: places.map((heading) => ({
      heading,
      rows: comparisons.filter((each) => placeOf(each) === heading).map(rowOf),
    })),
    reasons: reasonsOf(comparisons, places),
    notes: [
      confidenceNote(file),
      seesNote,
      ...ceilingNote(comparisons),
      ...countersNotes(comparisons),
      ...file.notes.map(told),
    ],
    cases: comparisons.map((each) => ({
      group: placeOf(each),
      name: metricName(each.metric, each),
      verdict: each.verdict,
      message: `${told(each.reason)}; ${seenSentence(each)}`,
    })),
  };
}

const COLUMNS: readonly (keyof VerdictRow)[] = ['metric', 'base', 'head', 'ratio', 'bounds', 'n', 'verdict', 'seen'];

/** What is not there. */
const NONE = '–';

const seesNote =
  'sees: the smallest worsening that would have been called a regression with the scatter that was seen; – where none would have been.';

function confidenceNote({ how, alpha, comparisons }: VerdictFile): string {
  const chance = `A false alarm in ${comparisons.length === 1 ? 'the one comparison' : `any of the ${comparisons.length} comparisons`} has a chance of at most ${percent(alpha)}`;
  return how === 'ab'
    ? `${chance} (exact sign test over neighbouring pairs, Holm, all looks together). Bounds are one-sided, at a confidence that holds for all of them at once.`
    : `${chance} as far as days differ by what the noise estimate says (permutation test of medians, Holm). A baseline of another day is no neighbour: weighbridge ab is the stronger test.`;
}

const CEILING_MARK = '†';

/** Without it ÷ base would contradict the figures beside it. */
function ceilingNote(comparisons: readonly ComparisonResult[]): readonly string[] {
  return comparisons.some(({ byCeiling = false }) => byCeiling)
    ? [
        `${CEILING_MARK} ÷ base of times as parts of the ceilings of their own runs (first token ÷ ceiling), not of the times beside it: what the machine itself did between the days is taken out.`,
      ]
    : [];
}

/** The same of counters. */
function countersNotes(comparisons: readonly ComparisonResult[]): readonly string[] {
  const compared = COUNTERS.flatMap((counter) => comparisons.find(({ metric }) => metric === counter) ?? []);
  if (compared.length === 0) return [];
  const allowances = compared.map((each) => {
    const metric = each.metric as Counter;
    return `${allowance(metric)} of ${metricName(metric, each)}`;
  });
  return [
    `÷ base of counters is of base and head with as much added to both as is nothing, so that a little more than none is no multiple: ${allowances.join(', ')}. It lies nearer 1 than the figures beside it.`,
  ];
}

/** More sentences of what stays open than these say less than one. */
const MOST_OPEN = 6;

function reasonsOf(comparisons: readonly ComparisonResult[], places: readonly string[]): readonly string[] {
  const open = comparisons.filter(({ verdict }) => verdict === 'inconclusive');
  const sentences = (list: readonly ComparisonResult[]): readonly string[] =>
    list.map((each) => `${placeOf(each)}: ${told(each.reason)} (${each.verdict})`);
  const decided = comparisons.filter(({ verdict }) => verdict === 'regressed' || verdict === 'improved');
  if (open.length <= MOST_OPEN) return [...sentences(decided), ...sentences(open)];
  return [
    ...sentences(decided),
    ...places.flatMap((place) => {
      const names = open.filter((each) => placeOf(each) === place).map((each) => metricName(each.metric, each));
      return names.length === 0 ? [] : [`${place}: inconclusive: ${names.join(', ')} (why of each: verdict.json)`];
    }),
  ];
}

function placeOf({ arm, state, memoryState }: ComparisonResult): string {
  return `${told(arm)}, ${state}, free memory ${memoryState}`;
}

function headlineOf({ verdict, comparisons, advisory }: VerdictFile): string {
  const of = (kind: VerdictKind): readonly ComparisonResult[] => comparisons.filter((each) => each.verdict === kind);
  const names = (list: readonly ComparisonResult[]): string => {
    const all = list.map((each) => `${metricName(each.metric, each)} ${each.state}`);
    return all.length > 4 ? `${all.slice(0, 4).join(', ')} and ${all.length - 4} more` : all.join(', ');
  };
  const [worse, open, better] = [of('regressed'), of('inconclusive'), of('improved')];
  const limit = comparisons.some(({ tolerance, threshold }) => tolerance > threshold)
    ? 'its threshold, or its noise floor where that is higher'
    : 'its threshold';
  const text: Readonly<Record<VerdictKind, string>> = {
    regressed: `Regressed: ${names(worse)}.`,
    inconclusive: `Inconclusive: ${names(open)}; no regression is shown.`,
    improved: `Improved: ${names(better)}; nothing else is worse by more than ${limit}.`,
    unchanged: `Unchanged: nothing is worse by more than ${limit}.`,
  };
  return `${advisory === null ? '' : 'Advisory only. '}${comparisons.length === 0 ? 'Inconclusive: nothing was compared.' : text[verdict]}`;
}

function rowOf(result: ComparisonResult): VerdictRow {
  const { metric, base, head, ratio, byCeiling = false, low, high, n, baseN, verdict, smallestChange } = result;
  const digits = (value: number): string => (value < 9.9995 ? value.toFixed(3) : value.toFixed(1));
  return {
    metric: metricName(metric, result),
    base: base === null ? NONE : valueText(metric, base),
    head: head === null ? NONE : valueText(metric, head),
    ratio: ratio === null ? NONE : `${digits(ratio)}${byCeiling ? CEILING_MARK : ''}`,
    bounds: low === null || high === null ? NONE : `${digits(low)}–${digits(high)}`,
    n: baseN === null ? String(n) : `${n}:${baseN}`,
    verdict,
    seen: smallestChange === null ? NONE : relative(smallestChange),
  };
}

/** A figure of a metric as people read it. */
export function valueText(metric: GateMetric, value: number): string {
  if (metric === 'faults') return value.toFixed(0);
  if (isCounter(metric)) return size(value);
  return duration(metric === 'decode' || metric === 'token' ? value * 1e9 : value);
}

function seenSentence({ smallestChange }: ComparisonResult): string {
  return smallestChange === null
    ? 'no change of any size could have been seen'
    : `a worsening of ${relative(smallestChange)} or more would have been seen`;
}

function told(text: string): string {
  const short = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return printable(short);
}
