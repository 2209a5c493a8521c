/** Sentences on what was really done and how far it can be believed. Each is null where there is nothing to say. */
import { toldOnce } from './reasons.js';
import { describe } from '../failure.js';
import { plain } from '../samples/columns.js';
import type { Arm, EffectiveValue } from '../samples/record.js';
import type { OkSample } from '../statistics/pairs.js';
import { middleOf, type Speaker } from './explain-case.js';
import { counted, duration, enumeration, size } from './format.js';

/**
 * Keys that repeat what the loader was set to, by the option's name: no news unless another was asked for. All that is
 * absent here was counted, or read back from the kernel.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      ...['sharing', 'bring', 'lock', 'chunkBytes', 'blockBytes', 'depth', 'registered', 'direct'],
      ...['threads', 'pipelined', 'prefault', 'numaNode', 'bufferBytes', 'road'],
    ].map((option) => [option, option]),
  ),
  populateRequested: 'populate',
  arenaPages: 'arena',
  bufferBytesAsked: 'bufferBytes',
};
/** Of them, what a loader finds out or decides where its options leave it open. */
const FOUND = new Set(['bufferBytes', 'road']);
/** What a library says of itself, which nobody checks. */
const STATED = new Set(['libraryName', 'note']);

/** What the kernel granted, as the loader read it back; nothing that is absent, zero, no, or a mere request. */
export const effectiveSentence: Speaker = ({ subject }) => {
  const [first] = subject.timed;
  if (first === undefined) return null;
  const { arm } = subject.cell;
  const known = Object.entries(plain(first.effective) ?? {}).flatMap(([key, value]) => {
    const usual = alike(subject.timed, key, value);
    return usual === null || isRequest(arm, key, usual) ? [] : [{ key, text: fact(key, usual) }];
  });
  const isStated = ({ key }: { readonly key: string }): boolean => arm.mechanism === 'external' && STATED.has(key);
  const samples = subject.timed.length === 1 ? '1 sample' : `${subject.timed.length} samples; numbers are medians`;
  const sentence = (start: string, facts: typeof known): string =>
    facts.length === 0 ? '' : `${start}: ${facts.map(({ text }) => text).join(', ')} (${samples}).`;
  const text = [
    sentence(
      `Read back of ${subject.label} afterwards`,
      known.filter((each) => !isStated(each)),
    ),
    sentence(`Stated by the library of ${subject.label}`, known.filter(isStated)),
  ].filter((part) => part !== '');
  return text.length === 0 ? null : text.join(' ');
};

function isRequest({ options }: Arm, key: string, value: EffectiveValue): boolean {
  const option = SETTINGS[key];
  if (option === undefined) return false;
  const asked = options[option];
  return asked === undefined ? !FOUND.has(key) : asked === value;
}

/** What samples agree on, or the median of numbers; null for nothing, and where they differ. */
function alike(samples: readonly OkSample[], key: string, value: EffectiveValue): EffectiveValue | null {
  if (typeof value === 'number') {
    const middle = middleOf(samples, ({ effective }) => {
      const each = effective?.[key];
      return typeof each === 'number' ? each : null;
    });
    return middle === null || middle.value === 0 ? null : middle.value;
  }
  const same = samples.every(({ effective }) => plain(effective)?.[key] === value);
  return same && value !== false && value !== '' ? value : null;
}

/** "mappedBytes": 591 MiB → "mapped 591 MiB"; names are those of the ledger, taken apart. */
function fact(key: string, value: EffectiveValue): string {
  const words = key
    .replace(/Bytes(?=$|[A-Z])/, '')
    .replace(/([A-Z])/g, ' $1')
    .toLowerCase();
  if (value === true) return words;
  if (typeof value === 'number') return `${words} ${/Bytes/.test(key) ? size(value) : String(value)}`;
  return `${words} ${String(value)}`;
}

export const warningsSentence: Speaker = ({ loaders }) => {
  const labels = new Map<string, string[]>();
  for (const { label, cell } of loaders) {
    for (const warning of cell.warnings) labels.set(warning, [...(labels.get(warning) ?? []), label]);
  }
  return labels.size === 0
    ? null
    : `Warnings: ${[...labels].map(([text, whose]) => `${enumeration(whose)}: ${text}`).join('; ')}.`;
};

export const notOkSentence: Speaker = ({ loaders }) => {
  const each = loaders.flatMap(({ label, cell }) =>
    toldOnce(cell.reasons).map(
      ({ outcome, reason, count }) => `${label}: ${count} × ${outcome}, ${describe({ ...reason, path: null })}`,
    ),
  );
  return each.length === 0 ? null : `Not ok, and left out: ${each.join('; ')}.`;
};

export const noiseSentence: Speaker = ({ subject, other, moment }) => {
  const timed = [...subject.timed, ...(other?.timed ?? [])];
  const stolen = timed.flatMap(({ noise }) => (noise.stealNs === null ? [] : [noise.stealNs]));
  const most = stolen.reduce((highest, ns) => Math.max(highest, ns), 0);
  const middle = middleOf(timed, ({ noise }) => noise.stealNs);
  const { ttftNs } = subject.cell;
  const range =
    ttftNs === null || ttftNs.n < 2
      ? ''
      : moment === 'first token'
        ? `First tokens of ${subject.label} took ${duration(ttftNs.min)} to ${duration(ttftNs.max)}.`
        : `Times to ${moment} of ${subject.label} were ${duration(ttftNs.min)} to ${duration(ttftNs.max)}.`;
  const steal =
    middle === null
      ? ''
      : most === 0
        ? `The hypervisor stole no CPU time around these ${counted(middle.n, 'sample')}.`
        : `The hypervisor stole ${milliseconds(middle.value)} of CPU time around a sample in the median of ${middle.n}, at most ${milliseconds(most)}, all CPUs together.`;
  const text = [range, steal].filter((part) => part !== '').join(' ');
  return text === '' ? null : text;
};

/** Counted in ticks of 10 ms. */
function milliseconds(ns: number): string {
  return `${(ns / 1e6).toFixed(0)} ms`;
}
