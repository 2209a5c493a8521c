/** Sentences on the loads that follow the first at once. Null where there are none. */
import type { OkSample } from '../statistics/pairs.js';
import { pairedRatio } from '../statistics/pairs.js';
import { ofBoth, middleOf, spreadInWords, type Case, type Speaker, type View } from './explain-case.js';
import { counted, duration, enumeration, ratio, size } from './format.js';
import type { Moment } from './moment.js';

export const loadsSentence: Speaker = (of) => {
  const told = ofBoth(of, (view) => firstTokens(view, of.moment));
  if (told === null) return null;
  return [`Loads in a row: ${told}`, changeOf(of), readsOf(of)].filter((text) => text !== '').join(' ');
};

/** "mmap-shared took 50 ms to first token at load 1, 10 ms at load 2 (3 samples each)". */
function firstTokens({ label, timed, later }: View, moment: Moment): string | null {
  const points = [timed, ...later.map((each) => each.timed)].map((samples) =>
    middleOf(samples, ({ ttftNs }) => ttftNs),
  );
  const known = points.flatMap((point, index) => (point === null ? [] : [{ ...point, load: index + 1 }]));
  const [first] = known;
  if (first === undefined || known.length < 2) return null;
  const times = known.map(({ value, load }) => `${duration(value)} at load ${load}`);
  const fewest = Math.min(...known.map(({ n }) => n));
  return `${label} took ${enumeration(times)} to its ${moment} (medians of ${known.every(({ n }) => n === fewest) ? '' : 'at least '}${counted(fewest, 'sample')})`;
}

/** The last load ÷ the first of the same chain. */
function changeOf({ subject: { label, timed, later } }: Case): string {
  const last = later.at(-1);
  if (last === undefined) return '';
  const firsts = new Map(timed.map((sample) => [chainOf(sample), sample]));
  const chains = last.timed.flatMap((head) => {
    const base = firsts.get(chainOf(head));
    return base === undefined ? [] : [{ head, base }];
  });
  const paired = pairedRatio(
    chains,
    ({ head }) => head.ttftNs,
    ({ base }) => base.ttftNs,
  );
  if (paired === null) return '';
  const spread = spreadInWords(paired, ratio);
  return `Load ${last.load} of ${label} took ${ratio(paired.median)} times as long as the first of its own row (${spread.replace(/pair/, 'row')}).`;
}

/** Loads in a row have one place in their block. */
function chainOf({ round, block, attempt, position }: OkSample): string {
  return `${round} ${block} ${attempt} ${position}`;
}

function readsOf({ subject: { label, later }, moment }: Case): string {
  const last = later.at(-1);
  const reads = middleOf(last?.timed ?? [], ({ phases }) => {
    const each = phases === null ? [] : [phases.open, phases.acquire, phases.firstToken].map((of) => of.readBytes);
    return each.length === 0 || each.includes(null) ? null : each.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
  });
  if (last === undefined || reads === null) return '';
  const what = reads.value === 0 ? 'nothing' : size(reads.value);
  return `At load ${last.load} ${label} read ${what} from storage until the ${moment}${reads.value === 0 ? ': what the load before left in the page cache sufficed' : ''}.`;
}
