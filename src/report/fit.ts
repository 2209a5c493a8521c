/** What `fit` found, as people read it: a row a loader. */
import { describe, printable } from '../failure.js';
import type { FitLabel, FitPoint } from '../samples/fit.js';
import { labelOf } from '../samples/fit.js';
import type { LoaderFit } from '../samples/fit-model.js';
import { significant } from './format.js';

export interface FitLine {
  readonly loader: string;
  /** "–" where there is none. */
  readonly smallest: string;
  readonly ofModel: string;
  readonly speed: string;
  readonly ofUnlimited: string;
  /** What the next smaller limit that was weighed gave. */
  readonly below: string;
}

const MIB = 2 ** 20;
const NONE = '–';

const labels: Readonly<Record<FitLabel, string>> = {
  fits: 'fits',
  thrashes: 'thrashes',
  slower: 'slower',
  'out-of-memory': 'out of memory',
  'limit-below-runtime': 'below the runtime',
  failed: 'failed',
  unsupported: 'unsupported',
};

export function fitLines(fits: readonly LoaderFit[]): readonly FitLine[] {
  return fits.map(({ arm, fit, request }) => {
    const loader = printable(arm.label);
    const [unlimited] = fit.points.filter(({ bytes }) => bytes === null).slice(-1);
    const free = unlimited?.outcome === 'ok' ? unlimited.tokensPerSecond : null;
    const speed = free === null ? NONE : `${significant(free)} tok/s`;
    const missing = { loader, smallest: NONE, ofModel: NONE, speed, ofUnlimited: NONE };
    if (fit.kind === 'undecided') return { ...missing, below: `not told: ${describe({ ...fit.reason, path: null })}` };
    const told = (point: FitPoint): string =>
      belowText(point, labelOf(point, free ?? 0, request), request.modelBytes, free ?? 0);
    if (fit.kind === 'none')
      return { ...missing, smallest: `> ${mebibytes(fit.highest.bytes)}`, below: told(fit.highest) };
    const { bytes, tokensPerSecond } = fit.smallest;
    return {
      loader,
      smallest: mebibytes(bytes),
      ofModel: percent((bytes ?? 0) / request.modelBytes),
      speed: `${significant(tokensPerSecond)} tok/s`,
      ofUnlimited: free === null ? NONE : percent(tokensPerSecond / free),
      below: fit.below === null ? 'nothing smaller holds the runtime' : told(fit.below),
    };
  });
}

function belowText(point: FitPoint, label: FitLabel, modelBytes: number, free: number): string {
  const at = `${mebibytes(point.bytes)}: ${labels[label]}`;
  if (point.outcome !== 'ok') {
    return label === 'failed' || label === 'unsupported' ? `${at} (${point.reason.code})` : at;
  }
  const read = point.bytesReadPerToken;
  const again = read === null || read === 0 ? '' : `, ${percent(read / modelBytes)} of the model read a token`;
  return `${at}, ${percent(point.tokensPerSecond / free)} of the speed${again}`;
}

const mebibytes = (bytes: number | null): string => (bytes === null ? NONE : `${Math.ceil(bytes / MIB)} MiB`);
const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** How much memory a table of fits was found with, and what its words mean. */
export function fitNotes(fits: readonly LoaderFit[], share: number, resolution: number): readonly string[] {
  const lowest = fits.map(({ request }) => request.lowestBytes);
  return [
    `Smallest memory limit, runtime included, in which the decode steps after a cold load keep ${percent(share)} of the speed that they have without a limit; found within ${percent(resolution)} of the model. The time of the load itself is not part of it.`,
    ...(lowest.length === 0
      ? []
      : [`The runtime, its key-value cache and scratch memory alone need ${mebibytes(Math.max(...lowest))} here.`]),
    'Thrashes: more than 10 % of the model was read from storage for each token. Each point is one sample: repeat it where the machine is noisy.',
  ];
}
