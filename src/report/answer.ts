/** The one question of a section, answered no more surely than its pairs allow. */
import { claimOf, type Claim } from '../statistics/claim.js';
import { LEAST_FOR_INTERVAL } from '../statistics/order.js';
import { confidence, counted, enumeration, ratio } from './format.js';
import type { Moment } from './moment.js';
import type { Figure, RatioFigure, Row } from './report-types.js';

/** A row with a first token, or whatever its moment is. */
type Measured = Row & { readonly firstToken: Figure };

/** A row that has pairs with the reference, and what they prove. */
interface Compared {
  readonly row: Measured;
  readonly paired: RatioFigure;
  readonly claim: Claim;
}

/** A row whose pairs are enough for an interval at the confidence that all comparisons of the section need. */
type Proven = Compared & { readonly claim: Extract<Claim, { readonly kind: 'faster' | 'slower' | 'open' }> };

/** Which loader is first to the first token, and how that compares with the reference. Rows are ranked by it. */
export function answerOf(rows: readonly Row[], moment: Moment): string {
  const measured = rows.filter((row): row is Measured => row.firstToken !== null);
  const [fastest] = measured;
  if (fastest === undefined) return 'No loader has a valid sample here, so there is nothing to compare.';
  const time = fastest.firstToken.text;
  if (measured.length === 1)
    return `${fastest.label} reaches its ${moment} in ${time}; there is nothing to compare it with.`;
  const reference = measured.find(({ isReference }) => isReference);
  if (reference === undefined) {
    return `${fastest.label} has the lowest median time to ${moment}, ${time}; the reference has no valid sample, so that no ratio can be given.`;
  }
  const [lead, ...others] = comparedOf(measured);
  if (lead === undefined) {
    return `${fastest.label} has the lowest median time to ${moment}, ${time}, but no block holds valid samples of both the reference, ${reference.label}, and another loader.`;
  }
  const compared = [lead, ...others];
  const winner = provenOf(compared);
  const of = { compared, reference, moment };
  if (winner !== undefined) return winnerIsFaster(winner, of);
  return lead.paired.value < 1 ? leadIsOpen(lead, of) : referenceLeads(lead, of);
}

/** The row that the answer speaks of first; null where nothing was measured. */
export function leaderOf(rows: readonly Row[]): Row | null {
  const measured = rows.filter((row): row is Measured => row.firstToken !== null);
  const reference = measured.find(({ isReference }) => isReference);
  const compared = reference === undefined ? [] : comparedOf(measured);
  const [lead] = compared;
  if (reference === undefined || lead === undefined) return measured[0] ?? null;
  return provenOf(compared)?.row ?? (lead.paired.value < 1 ? lead.row : reference);
}

/** Who stands first in a section, and how surely. */
export type Standing =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'alone'; readonly row: Measured }
  | {
      readonly kind: 'faster';
      readonly row: Measured;
      readonly reference: Measured;
      readonly paired: RatioFigure;
      readonly interval: Proven['claim']['interval'];
      /** How many others may be as fast, as their spreads overlap or reach below. */
      readonly peers: number;
    }
  | { readonly kind: 'open'; readonly row: Measured; readonly reference: Measured; readonly paired: RatioFigure }
  | { readonly kind: 'reference'; readonly reference: Measured };

export function standingOf(rows: readonly Row[]): Standing {
  const measured = rows.filter((row): row is Measured => row.firstToken !== null);
  const [fastest] = measured;
  if (fastest === undefined) return { kind: 'nothing' };
  const reference = measured.find(({ isReference }) => isReference);
  const compared = reference === undefined ? [] : comparedOf(measured);
  const [lead] = compared;
  if (reference === undefined || lead === undefined) return { kind: 'alone', row: fastest };
  const winner = provenOf(compared);
  if (winner !== undefined) {
    const { row, paired, claim } = winner;
    const peers = compared.filter((each) => each !== winner && mayBeAsFast(each, winner)).length;
    return { kind: 'faster', row, reference, paired, interval: claim.interval, peers };
  }
  const { row, paired } = lead;
  return paired.value < 1 ? { kind: 'open', row, reference, paired } : { kind: 'reference', reference };
}

function provenOf(compared: readonly Compared[]): Proven | undefined {
  return compared.find((each): each is Proven => each.claim.kind === 'faster');
}

/** Lowest ratio first. */
function comparedOf(measured: readonly Measured[]): readonly Compared[] {
  const pairs = measured.flatMap((row) => {
    const paired = row.toReference.firstToken;
    return row.isReference || paired === null ? [] : [{ row, paired }];
  });
  return pairs
    .map(({ row, paired }) => ({ row, paired, claim: claimOf(paired.values, pairs.length) }))
    .sort((a, b) => a.paired.value - b.paired.value);
}

/** What an answer is about. */
interface Contest {
  readonly compared: readonly Compared[];
  readonly reference: Measured;
  readonly moment: Moment;
}

function winnerIsFaster(winner: Proven, { compared, reference, moment }: Contest): string {
  const { row, paired } = winner;
  const lower = compared.slice(0, compared.indexOf(winner));
  const peers = compared.filter((each) => each !== winner && !lower.includes(each) && mayBeAsFast(each, winner));
  const claim = lower.length === 0 ? `is fastest to ${moment} by its paired ratio` : `is faster to ${moment}`;
  return sentences(
    `${row.label} ${claim}: ${row.firstToken.text}, ${paired.text} times what the reference, ${reference.label}, takes (${intervalInWords(winner, compared)}).`,
    lower.length === 0 ? '' : `Lower in ratio, but without proof: ${labels(lower)}.`,
    peers.length === 0 ? '' : `As their spreads overlap, ${labels(peers)} may be as fast.`,
  );
}

/** Whether what is known of a row reaches down to what is known of the winner. */
function mayBeAsFast({ paired, claim }: Compared, winner: Proven): boolean {
  const low = claim.kind === 'too-few' ? paired.low : claim.interval.low;
  return low <= winner.claim.interval.high;
}

function leadIsOpen(lead: Compared, { compared, reference, moment }: Contest): string {
  const { row, paired, claim } = lead;
  if (claim.kind !== 'too-few') {
    return `${row.label} has the lowest paired ratio of ${moment} to the reference, ${reference.label}: ${paired.text} (${intervalInWords({ ...lead, claim }, compared)}). The interval holds 1, so neither is shown to be faster.`;
  }
  const alike = compared.filter(
    (each) => each !== lead && each.paired.pairs > 1 && each.paired.values.every((value) => value < 1),
  );
  return sentences(
    `${row.label} was faster to ${moment} than the reference, ${reference.label}, in ${oftenIn(paired, (value) => value < 1)} (${timesOf(paired)} times its time); ${noProof(paired, compared.length, claim.pairsNeeded)}.`,
    alike.length === 0 ? '' : `Also in all of their pairs: ${labels(alike)}.`,
  );
}

function referenceLeads(lead: Compared, { compared, reference, moment }: Contest): string {
  const those = (kind: Claim['kind']): readonly Compared[] => compared.filter((each) => each.claim.kind === kind);
  const [slower, open] = [those('slower'), those('open')];
  const next = compared.find((each) => each.claim.kind === 'too-few');
  const isNext = next === lead ? ', the next,' : '';
  return sentences(
    `No loader has a lower paired time to ${moment} than the reference, ${reference.label}: ${reference.firstToken.text}.`,
    open.length === 0 ? '' : `No difference from it is shown for ${labels(open)}.`,
    slower.length === 0 ? '' : slowerInWords(slower, compared),
    next === undefined || next.claim.kind !== 'too-few'
      ? ''
      : `${next.row.label}${isNext} took longer in ${oftenIn(next.paired, (value) => value > 1)} (${timesOf(next.paired)} times its time); ${noProof(next.paired, compared.length, next.claim.pairsNeeded)}.`,
  );
}

function slowerInWords(slower: readonly Compared[], compared: readonly Compared[]): string {
  const [first] = slower;
  if (first === undefined || first.claim.kind === 'too-few') return '';
  return slower.length === 1
    ? `${first.row.label} is slower: ${first.paired.text} times its time (${intervalInWords({ ...first, claim: first.claim }, compared)}).`
    : `Slower than it are ${labels(slower)}.`;
}

function sentences(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' ');
}

/** "all 3 pairs", "2 of 3 pairs", "its only pair". */
function oftenIn({ values, pairs }: RatioFigure, holds: (value: number) => boolean): string {
  const often = values.filter(holds).length;
  if (pairs === 1) return often === 1 ? 'its only pair' : 'none of its pairs';
  if (often === pairs) return pairs === 2 ? 'both pairs' : `all ${pairs} pairs`;
  return `${often} of ${pairs} pairs`;
}

/** Each ratio of few, the range of many. */
function timesOf({ values, pairs, spreadText }: RatioFigure): string {
  return pairs < LEAST_FOR_INTERVAL ? enumeration(values.toSorted((a, b) => a - b).map(ratio)) : spreadText;
}

function noProof({ pairs }: RatioFigure, comparisons: number, pairsNeeded: number): string {
  if (pairs < LEAST_FOR_INTERVAL) return `with fewer than ${LEAST_FOR_INTERVAL} pairs that is no proof`;
  const what = comparisons === 1 ? 'it' : `one of ${comparisons} comparisons`;
  return `to prove ${what} takes ${pairsNeeded} pairs`;
}

function intervalInWords({ claim: { interval }, paired }: Proven, compared: readonly Compared[]): string {
  const range = `${ratio(interval.low)}–${ratio(interval.high)}`;
  const together = compared.length === 1 ? '' : `, one of ${compared.length} comparisons`;
  return `${confidence(interval.confidence)} interval ${range}, ${counted(paired.pairs, 'pair')}${together}`;
}

/** At most four by name: an answer is to be read. */
function labels(compared: readonly Compared[]): string {
  const names = compared.map(({ row }) => row.label);
  return names.length <= 4 ? enumeration(names) : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
}
