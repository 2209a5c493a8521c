/** Sentences on where time went. Each is null where the ledger lacks its figures. */
import type { BindingName } from '../statistics/summary-types.js';
import { claimOf } from '../statistics/claim.js';
import { median } from '../statistics/order.js';
import { pairedRatio, type OkSample } from '../statistics/pairs.js';
import { mediansOf, middleOf, ofBoth, spreadInWords, type Case, type Speaker } from './explain-case.js';
import { confidence, counted, duration, enumeration, percent, ratio, significant, size } from './format.js';
import { upperFirst, type Moment } from './moment.js';

const phasesOf = (moment: Moment) =>
  [
    ['open', 'the header'],
    ['acquire', 'the weights'],
    ['firstToken', moment === 'first token' ? 'the first token' : 'touching the needed bytes'],
  ] as const;

export const phasesSentence: Speaker = (of) => {
  const took = ofBoth(of, ({ label, timed }) => {
    const figures = phasesOf(of.moment).flatMap(([key, name]) => {
      const middle = middleOf(timed, ({ phases }) => phases?.[key].ns);
      return middle === null ? [] : [`${duration(middle.value)} for ${name}`];
    });
    return figures.length === 0 ? null : `${label} took ${enumeration(figures)} (${mediansOf(timed.length)})`;
  });
  if (took === null) return null;
  const { label, timed } = of.subject;
  const share = middleOf(timed, ({ phases, ttftNs }) =>
    phases === null || ttftNs === null || ttftNs === 0 ? null : (phases.open.ns + phases.acquire.ns) / ttftNs,
  );
  return share === null
    ? took
    : `${took} When load returned, ${percent(Math.min(1, share.value))} of the time to ${of.moment} of ${label} had passed.`;
};

/** Medians of differences do not add up to the median of their sum, so none is called a part of it. */
export const differenceSentence: Speaker = ({ pairs, other, moment }) => {
  if (other === null || pairs.length === 0) return null;
  const differences = phasesOf(moment)
    .flatMap(([key, name]) => {
      const values = pairs.flatMap(({ head, base }) =>
        head.phases === null || base.phases === null ? [] : [head.phases[key].ns - base.phases[key].ns],
      );
      return values.length === 0 ? [] : [{ name, values, middle: median(values) }];
    })
    .sort((a, b) => Math.abs(b.middle) - Math.abs(a.middle));
  const [largest] = differences;
  if (largest === undefined) return null;
  const each = differences.map(({ name, middle }) => `${name} took ${moreOrLess(middle)}`);
  const low = Math.min(...largest.values);
  const high = Math.max(...largest.values);
  const spread =
    largest.values.length === 1 ? '' : ` ${upperFirst(largest.name)}: from ${moreOrLess(low)} to ${moreOrLess(high)}.`;
  return `In the same blocks as ${other.label}, ${enumeration(each)} (median differences of ${counted(largest.values.length, 'pair')}).${spread}`;
};

function moreOrLess(ns: number): string {
  return ns === 0 ? 'as long' : `${duration(Math.abs(ns))} ${ns < 0 ? 'less' : 'more'}`;
}

function loadedReads({ phases }: OkSample): number | null {
  if (phases === null || phases.open.readBytes === null || phases.acquire.readBytes === null) return null;
  return phases.open.readBytes + phases.acquire.readBytes;
}

export const storageSentence: Speaker = (of) => {
  const reads = ofBoth(of, ({ label, timed }) => {
    const before = middleOf(timed, loadedReads);
    const after = middleOf(timed, ({ phases }) => phases?.firstToken.readBytes);
    if (before === null || after === null) return null;
    return before.value === 0 && after.value === 0
      ? `${label} read nothing from storage until the ${of.moment} (${mediansOf(before.n)})`
      : `${label} read ${size(before.value)} from storage before load returned and ${size(after.value)} after, until the ${of.moment} (${mediansOf(before.n)})`;
  });
  const request = middleOf(of.subject.timed, ({ traffic }) => traffic?.meanRequestBytes);
  if (reads === null || request === null) return reads;
  return `${reads} While ${of.subject.label} was measured, its device was asked for ${size(request.value)} at a time on average, by all programs together.`;
};

export const faultsSentence: Speaker = (of) =>
  ofBoth(of, ({ label, timed }) => {
    const count = (fault: 'minorFaults' | 'majorFaults', keys: readonly ('open' | 'acquire' | 'firstToken')[]) =>
      middleOf(timed, ({ phases }) =>
        phases === null ? null : keys.reduce((sum, key) => sum + phases[key][fault], 0),
      );
    const minor = count('minorFaults', ['open', 'acquire']);
    const major = count('majorFaults', ['open', 'acquire']);
    const lateMinor = count('minorFaults', ['firstToken']);
    const lateMajor = count('majorFaults', ['firstToken']);
    if (minor === null || major === null || lateMinor === null || lateMajor === null) return null;
    return `${label} took ${whole(minor.value)} minor and ${whole(major.value)} major page faults during load, ${whole(lateMinor.value)} and ${whole(lateMajor.value)} more until the ${of.moment} (${mediansOf(minor.n)})`;
  });

function whole(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

export const debtSentence: Speaker = ({ subject, virtual }) => {
  const debt = middleOf(subject.timed, (sample) => sample.debt?.ns);
  if (debt === null) return null;
  if (debt.value <= 0) {
    return `When load returned, ${subject.label} owed nothing: its first token took no longer than a usual decode step (${mediansOf(debt.n)}).`;
  }
  const explained = middleOf(subject.timed, (sample) => sample.debt?.explainedNs);
  const unexplained = middleOf(subject.timed, (sample) => sample.debt?.unexplainedNs);
  const waited = middleOf(subject.timed, (sample) => sample.debt?.waitedNs);
  const parts =
    explained === null || unexplained === null
      ? ''
      : `: ${duration(Math.max(0, explained.value))} explained (in the kernel or off the CPU: faults, reads, waiting for a CPU, a thread or the loader), ${duration(Math.max(0, unexplained.value))} unexplained`;
  const apart = parts === '' || debt.n < 3 ? '' : ', each by itself, so that they need not add up';
  return [
    `When load returned, ${subject.label} still owed ${duration(debt.value)}, its first token beyond a usual decode step${parts} (${mediansOf(debt.n)}${apart}).`,
    waited === null || waited.value <= 0
      ? ''
      : `${duration(waited.value)} were spent waiting for the loader, which still worked.`,
    virtual && unexplained !== null && unexplained.value > 0
      ? 'This is a virtual machine: page faults of the second stage are invisible to it, and the unexplained part may hold them.'
      : '',
  ]
    .filter((text) => text !== '')
    .join(' ');
};

export const ceilingSentence: Speaker = ({ subject, ceilingLabel }) => {
  const share = subject.cell.ceilingShare;
  if (share === null || ceilingLabel === null) return null;
  return `Over all tensor bytes ${subject.label} reached ${percent(share.median)} of the ${ceilingLabel} in the same blocks (${spreadInWords(share, percent)}).`;
};

const LIMITS: Readonly<Record<Exclude<BindingName, 'several' | 'unexplained'>, string>> = {
  device: 'the device',
  copy: 'copying out of the page cache',
  'first-touch': 'the first touch of memory',
  fault: 'page faults',
  compute: 'computing',
};

function limitName(name: keyof typeof LIMITS, moment: Moment): string {
  return name === 'compute' && moment !== 'first token' ? 'reading memory' : LIMITS[name];
}

export const bindingSentence: Speaker = ({ subject, moment }) => {
  const { binding } = subject.cell;
  if (binding === null || binding === undefined) return null;
  const { name, share } = binding;
  if (name === 'several' || name === 'unexplained') {
    const each = binding.limits
      .filter(({ credible }) => credible)
      .map(
        ({ name: limit, ns, share: part }) => `${limitName(limit, moment)} ${duration(ns)} (${percent(part)} of it)`,
      );
    if (each.length === 0) return `No measured limit explains the complete time of ${subject.label}.`;
    const together = name === 'several' ? '; one after the other they would' : ', nor do all together';
    return `No measured limit alone takes half of the complete time of ${subject.label}${each.length === 1 ? '' : together}: ${enumeration(each)}.`;
  }
  const alone = binding.limits.find((limit) => limit.name === name);
  const figures = [
    alone === undefined ? '' : `which alone would take ${duration(alone.ns)}`,
    share === null ? '' : `${percent(share)} of the time measured (median over its samples)`,
  ].filter((text) => text !== '');
  return `What holds the complete time of ${subject.label} most is ${limitName(name, moment)}${figures.length === 0 ? '' : `, ${figures.join(', ')}`}.`;
};

/** Whether the loader changes what comes after loading. */
export const decodeSentence: Speaker = ({ subject, other, pairs, comparisons }: Case) => {
  if (other === null) return null;
  const speed = ({ tokensPerSecond }: OkSample): number | null => tokensPerSecond?.decode ?? null;
  const own = middleOf(subject.timed, speed);
  const theirs = middleOf(other.timed, speed);
  const paired = pairedRatio(
    pairs,
    ({ head }) => speed(head),
    ({ base }) => speed(base),
  );
  if (own === null || theirs === null || paired === null) return null;
  const figures = `${subject.label} decoded ${significant(own.value)} tokens/s, ${other.label} ${significant(theirs.value)}; paired ratio ${ratio(paired.median)}`;
  const claim = claimOf(paired.values, comparisons);
  if (claim.kind === 'too-few') {
    return `${figures} (${spreadInWords(paired, ratio)}): whether the loader changes decode speed takes ${claim.pairsNeeded} pairs to tell.`;
  }
  const { low, high, confidence: achieved } = claim.interval;
  const interval = `${confidence(achieved)} interval ${ratio(low)}–${ratio(high)}, ${counted(paired.pairs, 'pair')}`;
  if (claim.kind === 'open') {
    return `${figures} (${interval}): no difference in decode speed is shown; the interval leaves room for ${change(low)} to ${change(high)}.`;
  }
  const direction = claim.kind === 'slower' ? 'higher' : 'lower';
  return `${figures} (${interval}): the decode speed of ${subject.label} is ${direction}, by ${change(low)} to ${change(high)}.`;
};

function change(value: number): string {
  const percents = (value - 1) * 100;
  return `${percents < 0 ? '−' : '+'}${Math.abs(percents).toFixed(1)} %`;
}
