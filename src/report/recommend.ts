/** A recommendation in words, as sure as its pairs allow. Pure. */
import { printable } from '../failure.js';
import type { Ledger } from '../samples/record.js';
import { pairsForClaim } from '../statistics/claim.js';
import { LEAST_FOR_INTERVAL } from '../statistics/order.js';
import { heldOf, type Candidate, type PlaceChoice, type Recommendation } from '../statistics/recommendation.js';
import { counted, duration, enumeration, ratio, size } from './format.js';
import { memoryCondition } from './free-memory.js';
import { llamaOptionOf } from './recommend-llama.js';

export interface Advice {
  /** What it is about: model, place of the file, processes. */
  readonly title: string;
  /** For all states together; null where there is one alone. */
  readonly overall: string | null;
  readonly sections: readonly AdviceSection[];
  readonly notes: readonly string[];
}

export interface AdviceSection {
  readonly heading: string;
  readonly take: string;
  readonly items: readonly { readonly term: string; readonly text: string }[];
}

/** `notes`: what was left out before anything was measured. */
export function adviceOf(recommendation: Recommendation, ledger: Ledger, notes: readonly string[]): Advice {
  const { places, circumstances } = recommendation;
  const model = Object.values(ledger.run.models)[0];
  const facts = [
    model?.path.split('/').at(-1) ?? 'model',
    model === undefined ? '' : `${size(model.tensorBytes)} of tensors`,
    model === undefined ? '' : [model.fileSystem, model.device].filter((text) => text !== '').join(' on '),
    circumstances.processes === 1 ? '1 process' : `${circumstances.processes} processes at once`,
    circumstances.availableBytes === null ? '' : `${size(circumstances.availableBytes)} of memory available`,
  ];
  return {
    title: printable(facts.filter((fact) => fact !== '').join(' · ')),
    overall: overallInWords(recommendation),
    sections: places.map((place) => sectionOf(place, recommendation, ledger)),
    notes: [
      ...notes,
      ...stopNotes(ledger),
      'llama.cpp repacks some quantizations (Q4_0, Q4_K and others) into a copy of its own, whatever the way of loading, unless it is given --no-repack.',
    ].map(printable),
  };
}

function stopNotes({ end }: Ledger): readonly string[] {
  return end?.stopped === 'interrupted' || end?.stopped === 'error'
    ? ['The run was stopped before its end: this is what the samples until then say.']
    : [];
}

function overallInWords({ overall, places }: Recommendation): string | null {
  if (places.length < 2) return null;
  if (overall === null) return 'No loader was measured and fits in all states: take each state for itself.';
  const proven = places.every(
    ({ choice, confidence }) => choice?.label === overall.label && (confidence === 'proven' || confidence === 'alone'),
  );
  const guess = places.some(({ confidence }) => confidence === 'guess');
  const sure = proven ? '' : guess ? 'perhaps ' : 'probably ';
  const each = proven ? ' (proven in each of them by itself, not in all at once)' : '';
  const cost =
    overall.worstRatio <= 1
      ? 'the lowest paired first token in each of them'
      : `at worst ${ratio(overall.worstRatio)} times the first token of the fastest`;
  return printable(`For all states together ${sure}${overall.label}${each}: ${cost}, by paired medians.`);
}

function sectionOf(place: PlaceChoice, recommendation: Recommendation, ledger: Ledger): AdviceSection {
  const { state, memoryState, choice } = place;
  const heading = `${state.toUpperCase()} · ${memoryCondition(memoryState, ledger)}`;
  if (choice === null) {
    return {
      heading,
      take: 'No loader that fits has a valid sample here.',
      items: itemsOf(leftOut(place, recommendation)),
    };
  }
  return {
    heading,
    take: printable(takeInWords(place, choice)),
    items: itemsOf([
      ['how sure', sureInWords(place, choice)],
      ['to settle it', settlingCommand(place, choice, ledger)],
      ['memory', memoryInWords(choice, recommendation)],
      ['if wrong', costInWords(place)],
      ['llama.cpp', llamaInWords(place, choice)],
      ...leftOut(place, recommendation),
    ]),
  };
}

function itemsOf(items: readonly (readonly [string, string])[]): AdviceSection['items'] {
  return items.filter(([, text]) => text !== '').map(([term, text]) => ({ term, text: printable(text) }));
}

const names = (candidates: readonly Candidate[]): string => enumeration(candidates.map(({ label }) => label));

function takeInWords(place: PlaceChoice, choice: Candidate): string {
  const { confidence, tied, fastest } = place;
  const time = `first token in ${duration(choice.ttftNs)}${againstReference(place, choice)}`;
  switch (confidence) {
    case 'proven':
      return `${choice.label}: ${time}.`;
    case 'alone':
      return `${choice.label}, the only one that fits and was measured: ${time}.`;
    case 'ahead':
      return `${choice.label}, ahead as far as ${counted(place.pairs, 'pair')} reach: ${time}.`;
    case 'guess':
      return tied.length === 0
        ? `Perhaps ${choice.label}: ${time}.`
        : `Perhaps ${either(choice, tied)}; ${memoryReason(choice, fastest)}: ${time}.`;
    case 'tied':
      return `${either(choice, tied)}; ${memoryReason(choice, fastest)}: ${time}.`;
  }
}

/** "a or b"; "a, b or c". */
function either(choice: Candidate, tied: readonly Candidate[]): string {
  return `${[choice, ...tied.slice(0, -1)].map(({ label }) => label).join(', ')} or ${tied.at(-1)?.label ?? ''}`;
}

/** Why it is named first. */
function memoryReason(choice: Candidate, fastest: Candidate | null): string {
  return fastest === null
    ? `${choice.label} has the lowest paired median and takes as little memory as any of them`
    : `${choice.label} takes less memory that cannot be taken back than ${fastest.label}, which has the lowest paired median: ${size(heldOf(choice.need))} against ${size(heldOf(fastest.need))}`;
}

function againstReference({ pairs: fewest }: PlaceChoice, choice: Candidate): string {
  if (choice.ratio === null || choice.high === null) return '';
  if (choice.low === 1 && choice.high === 1 && choice.ratio === 1) return ', the reference of this run';
  const spread = choice.interval ? 'interval' : 'range';
  const between = choice.pairs === 1 ? '' : `${spread} ${ratio(choice.low)}–${ratio(choice.high)}, `;
  return `, ${ratio(choice.ratio)} times the reference's (${between}${counted(Math.max(choice.pairs, fewest), 'pair')})`;
}

function sureInWords({ confidence, pairs, pairsNeeded, tied, others }: PlaceChoice, choice: Candidate): string {
  const short =
    pairs < pairsNeeded
      ? `; ${pairsNeeded} pairs a loader would give intervals that can prove it, there ${pairs === 1 ? 'is' : 'are'} ${pairs}`
      : '';
  switch (confidence) {
    case 'proven':
      return `proven: ${others.length === 1 ? 'the interval of the only other lies' : `the intervals of all ${others.length} others lie`} above that of ${choice.label} (${pairs} pairs or more, 95 % sure of all of them together).`;
    case 'ahead':
      if (pairs === 1)
        return `not proven: its only pair lies below those of the others, as chance alone would have it${short}.`;
      return `not proven: what ${counted(pairs, 'pair')} show of it lies below what they show of each other, but of two equal loaders one is ahead in all ${pairs} 1 time in ${2 ** (pairs - 1)}${short}.`;
    case 'tied':
      return `no difference in time is shown to ${names(tied)}: they overlap, or are within 3 % (${counted(pairs, 'pair')})${short}.`;
    case 'guess':
      return `a guess: ${counted(pairs, 'pair')} ${pairs === 1 ? 'tells' : 'tell'} nothing about the spread${short}.`;
    case 'alone':
      return 'there is nothing to compare it with.';
  }
}

/** The command that compares the choice with those that may be as good, with pairs enough. */
function settlingCommand(
  { confidence, tied, others, pairs, state, memoryState }: PlaceChoice,
  choice: Candidate,
  { run }: Ledger,
): string {
  const rivals = (tied.length > 0 ? tied : others.slice(0, 1)).slice(0, 3);
  if (confidence === 'proven' || confidence === 'alone' || rivals.length === 0) return '';
  const enough = pairsForClaim(rivals.length);
  // Half the width of an interval takes about four times the pairs.
  const rounds = pairs >= Math.max(enough, LEAST_FOR_INTERVAL) ? 4 * pairs : enough;
  const loaders = [choice, ...rivals].map(({ arm }) => arm.loader).join(',');
  const path = Object.values(run.models)[0]?.path ?? 'MODEL';
  const word = /^[\w./+@:-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
  return `weighbridge run ${word} --loader ${loaders} --state ${state} --memory-state ${memoryState} --threads ${choice.arm.threads} --context ${choice.arm.context} --rounds ${rounds}`;
}

function memoryInWords({ need }: Candidate, { circumstances, reserveBytes }: Recommendation): string {
  const { processes, availableBytes } = circumstances;
  const whose = processes === 1 ? '' : ` for ${processes} processes`;
  const available =
    availableBytes === null
      ? 'how much is available could not be read'
      : `${size(availableBytes)} available, ${size(reserveBytes)} of it kept free`;
  const shared =
    need.shared === 0
      ? ''
      : ` and ${size(need.shared)} of page cache, ${processes === 1 ? 'which can be dropped' : 'once for all of them'}`;
  const pool = need.pool === 0 ? '' : `, ${size(need.pool)} of huge pages from the pool, which are reserved already`;
  return [
    `needs ${size(need.unreclaimable)}${whose} that cannot be taken back (${size(need.session)} of it KV cache and scratch)${pool}${shared}; ${available}${need.measured ? '' : ' (reckoned from the size of the tensors, not measured)'}.`,
    need.sharedFits === false && need.shared > 0
      ? 'The page cache does not fit beside it: parts of the model will be read again and again.'
      : '',
  ]
    .filter((text) => text !== '')
    .join(' ');
}

function costInWords({ cost }: PlaceChoice): string {
  if (cost === null) return '';
  const usual = `the first token of ${cost.runnerUp}, the next, takes ${ratio(cost.ratio)} times as long by paired medians`;
  const worst =
    cost.worstNs === null
      ? 'so few pairs do not tell how far another may be ahead'
      : cost.worstNs > 0
        ? `at worst, as far as these pairs reach, ${cost.worstAgainst} is ${duration(cost.worstNs)} sooner at each load`
        : 'even at the worst that these pairs reach, no other is sooner';
  return `${usual}; ${worst}.`;
}

function llamaInWords({ others }: PlaceChoice, choice: Candidate): string {
  const times = ({ ratio: theirs }: Candidate): string =>
    theirs === null || choice.ratio === null ? '' : `, ${ratio(theirs / choice.ratio)} times its first token`;
  const weighed = others.find(({ arm }) => arm.loader === 'llama-mmap');
  const weighedAs =
    weighed === undefined || choice.arm.options['lock'] !== undefined
      ? '; that way was not weighed here'
      : `; that way was weighed here as ${weighed.label}${times(weighed)}`;
  const text = (arm: Candidate['arm']): string | null => {
    const match = llamaOptionOf(arm);
    if (match === null) return null;
    const caveat = match.caveat === null ? '' : `; ${match.caveat}${match.alike ? '' : weighedAs}`;
    return `${match.option} (older releases: ${match.older})${caveat}`;
  };
  const own = text(choice.arm);
  if (own !== null) return `${own}.`;
  const next = others.find(({ arm }) => llamaOptionOf(arm)?.alike === true);
  const none = 'it has no option that loads this way';
  if (next === undefined) return `${none}.`;
  return `${none}; the fastest measured here that it has is ${next.label}${times(next)}: ${text(next.arm) ?? ''}.`;
}

function leftOut(
  { doNotFit, notMeasured }: PlaceChoice,
  { circumstances: { availableBytes } }: Recommendation,
): readonly (readonly [string, string])[] {
  return [
    ...doNotFit.map(
      ({ label, need }) =>
        [
          'does not fit',
          `${label} needs ${size(need.unreclaimable)}, ${availableBytes === null ? 'unknown' : size(availableBytes)} available.`,
        ] as const,
    ),
    ...notMeasured.map(({ label, why }) => ['not measured', `${label}: ${why}.`] as const),
  ];
}
