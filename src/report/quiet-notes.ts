/** What disturbed the samples, what was waited for, and what an adaptive end means for the intervals. */
import type { Ledger, WaitRecord } from '../samples/record.js';
import { precisionOf } from '../statistics/precision.js';
import type { NoiseFlag, Summary } from '../statistics/summary-types.js';
import { momentIn } from './moment.js';
import { counted, duration, enumeration, percent } from './format.js';

export const flagWords: Readonly<Record<NoiseFlag, string>> = {
  steal: 'CPU time taken by the host',
  'other-cpu': 'other programs on the CPUs',
  'other-traffic': 'other traffic on the device',
  'slow-spin': 'a slower CPU',
  throttled: 'a CPU throttled for its heat',
  pressure: 'unusual stalls for CPU, disk or memory',
  'context-switches': 'unusually many preemptions',
  'first-touch': 'slow first touch of memory',
};

export function disturbedNotes({ noise }: Summary): readonly string[] {
  const { samples, disturbed, by } = noise;
  if (disturbed === 0) return [];
  const why = by.map((each) => `${flagWords[each.flag]} (${each.samples})`).join(', ');
  const stay = disturbed === 1 ? 'It is kept and counts' : 'They are kept and count';
  return [
    `${disturbed} of ${counted(samples, 'sample')} ${disturbed === 1 ? 'was' : 'were'} disturbed: ${why}. ${stay} like the others; samples.csv marks ${disturbed === 1 ? 'it' : 'them'}.`,
  ];
}

const waitWords: Readonly<Record<WaitRecord['disturbances'][number]['kind'], string>> = {
  'other-cpu': flagWords['other-cpu'],
  steal: flagWords.steal,
  'device-traffic': flagWords['other-traffic'],
  'cpu-stall': 'stalls for CPU',
  'io-stall': 'stalls for disk',
  'memory-stall': 'stalls for memory',
};

/** Nothing where every block found the machine quiet at once. */
export function waitNotes({ waits }: Ledger): readonly string[] {
  const waited = waits.filter(({ disturbances }) => disturbances.length > 0);
  if (waited.length === 0) return [];
  const loud = waited.filter(({ quiet }) => !quiet).length;
  const total = waited.reduce((sum, { waitedNs }) => sum + waitedNs, 0);
  const kinds = new Set(waited.flatMap(({ disturbances }) => disturbances.map(({ kind }) => waitWords[kind])));
  const end =
    loud === 0
      ? 'it became quiet each time'
      : `${loud === waited.length ? 'it never became quiet in the time allowed' : `before ${counted(loud, 'block')} it did not become quiet in the time allowed`}, and the ${loud === 1 ? 'block was' : 'blocks were'} weighed all the same`;
  return [
    `The machine was not quiet before ${waited.length} of ${counted(waits.length, 'block')} (${enumeration([...kinds])}): ${duration(total)} were waited, and ${end}.`,
  ];
}

export function precisionNotes(summary: Summary, { run }: Ledger): readonly string[] {
  const wanted = run.plan.precision ?? null;
  if (wanted === null) return [];
  const { halfWidth } = precisionOf(summary, wanted);
  const within = `±${percent(wanted)}`;
  if (summary.stopped === 'precision') {
    return [
      `Rounds were added only until every interval of ${momentIn(summary.cells)} ratios was within ${within}: intervals that decide when to stop are optimistic, their confidence is less than stated. Such a run explores; a gate does not take it.`,
    ];
  }
  const found =
    halfWidth === null
      ? 'and some ratios have no interval yet'
      : `and the widest is ±${percent(halfWidth)}${halfWidth > wanted ? ', wider than that' : ''}`;
  return [
    `Intervals of ${momentIn(summary.cells)} ratios were to be within ${within}, ${found}. A run that may stop by its intervals explores; a gate does not take it.`,
  ];
}
