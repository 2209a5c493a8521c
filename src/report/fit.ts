/** What `fit` found, as people read it: a row a loader. */
import { describe, printable } from '../failure.js';
import type { FitLabel, FitLimit } from '../samples/fit.js';
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
  return fits.map(({ arm, fit, request: { modelBytes } }) => {
    const loader = printable(arm.label);
    const missing = { loader, smallest: NONE, ofModel: NONE, speed: NONE, ofUnlimited: NONE };
    if (fit.kind === 'undecided') return { ...missing, below: `not told: ${describe({ ...fit.reason, path: null })}` };
    if (fit.kind === 'none') {
      return {
        ...missing,
        smallest: `> ${mebibytes(fit.highest.point.bytes)}`,
        below: limitText(fit.highest, modelBytes),
      };
    }
    const { point } = fit.smallest;
    const { bytes, tokensPerSecond, besideTokensPerSecond } = point;
    const below = fit.below === null ? 'nothing smaller holds the runtime' : limitText(fit.below, modelBytes);
    return {
      loader,
      smallest: mebibytes(bytes),
      ofModel: percent((bytes ?? 0) / modelBytes),
      speed: `${significant(tokensPerSecond)} tok/s`,
      ofUnlimited: besideTokensPerSecond === null ? NONE : percent(tokensPerSecond / besideTokensPerSecond),
      below: isSplit(fit.smallest) ? `${below}; the smallest fits in ${votes(fit.smallest)}` : below,
    };
  });
}

function limitText(limit: FitLimit, modelBytes: number): string {
  const { label, point } = limit;
  const split = isSplit(limit) ? ` in ${votes(limit)}` : '';
  const at = `${mebibytes(point.bytes)}: ${labels[label]}${split}`;
  if (point.outcome !== 'ok') {
    return label === 'failed' || label === 'unsupported' ? `${at} (${point.reason.code})` : at;
  }
  const { tokensPerSecond, besideTokensPerSecond: free, bytesReadPerToken: read } = point;
  const kept = free === null ? '' : `, ${percent(tokensPerSecond / free)} of the speed`;
  const again = read === null || read === 0 ? '' : `, ${percent(read / modelBytes)} of the model read a token`;
  return `${at}${kept}${again}`;
}

const isSplit = ({ agree, of }: FitLimit): boolean => agree < of;
const votes = ({ agree, of }: FitLimit): string => `${agree} of ${of}`;

const mebibytes = (bytes: number | null): string => (bytes === null ? NONE : `${Math.ceil(bytes / MIB)} MiB`);
const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** How much memory a table of fits was found with, and what its words mean. */
export function fitNotes(fits: readonly LoaderFit[], share: number, resolution: number): readonly string[] {
  const lowest = fits.map(({ request }) => request.lowestBytes);
  const points = fits.flatMap(({ fit }) => limitsOf(fit));
  return [
    `Smallest memory limit, runtime included, in which the decode steps after a cold load keep ${percent(share)} of the speed that they have without a limit; found within ${percent(resolution)} of the model. The time of the load itself is not part of it.`,
    ...(lowest.length === 0
      ? []
      : [`The runtime, its key-value cache and scratch memory alone need ${mebibytes(Math.max(...lowest))} here.`]),
    'Each speed is held against a sample without a limit right before it, and two have to agree; a loader that is out of memory is weighed once.',
    ...(points.some(({ label }) => label === 'thrashes')
      ? ['Thrashes: more than 10 % of the model was read from storage for each token.']
      : []),
    ...(points.some(isSplit)
      ? [
          'Samples of one limit did not agree: what was found may be off by more than that. Run it again on a quieter machine.',
        ]
      : []),
  ];
}

/** Those that what was found stands on. */
function limitsOf(fit: LoaderFit['fit']): readonly FitLimit[] {
  if (fit.kind === 'undecided') return [];
  if (fit.kind === 'none') return [fit.highest];
  return [fit.smallest, ...(fit.below === null ? [] : [fit.below])];
}
