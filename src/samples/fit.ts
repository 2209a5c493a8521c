/**
 * Looks for the smallest memory limit with which a loader keeps its speed: a bisection over whatever weighs one limit. A
 * speed is held against that of a neighbour without a limit, since machines drift, and repeated, since samples scatter.
 */
import type { Reason } from './record.js';

/** What one limit gave. */
export type FitPoint =
  | {
      readonly outcome: 'ok';
      /** Null: no limit. */
      readonly bytes: number | null;
      readonly tokensPerSecond: number;
      /** From storage, by a decode step; null if unreadable. */
      readonly bytesReadPerToken: number | null;
      /** Tokens per second of the sample without a limit that was weighed right before; null for one without a limit. */
      readonly besideTokensPerSecond: number | null;
    }
  | {
      readonly outcome: 'failed' | 'unsupported' | 'invalid' | 'mismatch';
      readonly bytes: number | null;
      readonly reason: Reason;
    };

/** How a limit went: `fits` keeps the speed; `thrashes` reads the model again and again; the codes are a Reason's. */
export type FitLabel =
  'fits' | 'thrashes' | 'slower' | 'out-of-memory' | 'limit-below-runtime' | 'failed' | 'unsupported';

export interface FitRequest {
  /** Of the model: what is read again for a token is told in shares of it. */
  readonly modelBytes: number;
  readonly lowestBytes: number;
  readonly highestBytes: number;
  /** Between a limit that is too small and one that is not, when it is found. */
  readonly resolutionBytes: number;
  /** Of the speed without a limit that has to be kept. */
  readonly share: number;
}

/** How a limit went, and on how much that stands. */
export interface FitLimit {
  readonly label: FitLabel;
  /** The last of those that agree. */
  readonly point: FitPoint;
  readonly agree: number;
  readonly of: number;
}

/** What was found, and every point that was weighed, in that order: without a limit, and within one, in turns. */
export type Fit = { readonly points: readonly FitPoint[] } & (
  | {
      readonly kind: 'found';
      readonly smallest: FitLimit & { readonly label: 'fits'; readonly point: FitPoint & { readonly outcome: 'ok' } };
      /** The greatest limit that was too small; null where the lowest one asked for is enough. */
      readonly below: FitLimit | null;
    }
  /** Even the highest limit is too small. */
  | { readonly kind: 'none'; readonly highest: FitLimit }
  /** A point could not be weighed. */
  | { readonly kind: 'undecided'; readonly reason: Reason }
);

/** Of the model, read from storage for one token: more, and the model does not stay in memory. */
const THRASHING_SHARE = 0.1;
/** An invalid point is weighed again, this many times at most. */
const RETRIES = 2;

/** Fast and slow must be said so often: one sample may be slow for any cause. Death and re-reading need no second witness. */
const WITNESSES = 2;

export function labelOf(point: FitPoint, { modelBytes, share }: FitRequest): FitLabel {
  if (point.outcome !== 'ok') {
    const { code } = point.reason;
    if (code === 'out-of-memory' || code === 'limit-below-runtime') return code;
    return point.outcome === 'unsupported' ? 'unsupported' : 'failed';
  }
  if (point.tokensPerSecond >= share * (point.besideTokensPerSecond ?? 0)) return 'fits';
  return (point.bytesReadPerToken ?? 0) > THRASHING_SHARE * modelBytes ? 'thrashes' : 'slower';
}

/**
 * Weighs the highest limit and the lowest, and then halves what lies between one that is too small and one that is not.
 * That takes more memory never to be slower; where noise has it otherwise, what is found is one of the limits at which it
 * turns. A limit that fits beside one that does not: both were weighed.
 */
export async function findFit(
  request: FitRequest,
  measure: (limitBytes: number | null) => Promise<FitPoint>,
): Promise<Fit> {
  const search = new Search(request, measure);
  const { points } = search;
  const highest = await search.limit(request.highestBytes);
  if ('code' in highest) return { kind: 'undecided', reason: highest, points };
  if (!fits(highest)) return { kind: 'none', highest, points };
  let smallest = highest;
  const lowest = await search.limit(request.lowestBytes);
  if ('code' in lowest) return { kind: 'undecided', reason: lowest, points };
  if (fits(lowest)) return { kind: 'found', smallest: lowest, below: null, points };
  let below: FitLimit = lowest;

  for (let low = request.lowestBytes, high = request.highestBytes; high - low > request.resolutionBytes;) {
    const middle = Math.floor((low + high) / 2);
    const found = await search.limit(middle);
    if ('code' in found) return { kind: 'undecided', reason: found, points };
    if (fits(found)) [smallest, high] = [found, middle];
    else [below, low] = [found, middle];
  }
  return { kind: 'found', smallest, below, points };
}

type Fitting = (Fit & { readonly kind: 'found' })['smallest'];

function fits(limit: FitLimit): limit is Fitting {
  return limit.label === 'fits';
}

class Search {
  readonly points: FitPoint[] = [];
  readonly #request: FitRequest;
  readonly #measure: (limitBytes: number | null) => Promise<FitPoint>;

  constructor(request: FitRequest, measure: (limitBytes: number | null) => Promise<FitPoint>) {
    this.#request = request;
    this.#measure = measure;
  }

  /** How a limit goes; a Reason where that cannot be told. */
  async limit(bytes: number): Promise<FitLimit | Reason> {
    const seen: FitLabel[] = [];
    for (;;) {
      const free = await this.#weigh(null, null);
      if (free.outcome !== 'ok') return free.reason;
      const point = await this.#weigh(bytes, free.tokensPerSecond);
      if (isOpen(point)) return point.reason;
      const label = labelOf(point, this.#request);
      seen.push(label);
      const agree = seen.filter((each) => each === label).length;
      const mayBeNoise = label === 'fits' || label === 'slower';
      if (!mayBeNoise || agree === WITNESSES) return { label, point, agree, of: seen.length };
    }
  }

  async #weigh(bytes: number | null, besideTokensPerSecond: number | null): Promise<FitPoint> {
    for (let attempt = 0; ; attempt++) {
      const measured = await this.#measure(bytes);
      const point = measured.outcome === 'ok' ? { ...measured, besideTokensPerSecond } : measured;
      this.points.push(point);
      if (point.outcome !== 'invalid' || attempt === RETRIES) return point;
    }
  }
}

/** Tells nothing about its limit: a loader whose memory no limit counts does not need more than the limit. */
function isOpen(point: FitPoint): point is Exclude<FitPoint, { readonly outcome: 'ok' }> {
  if (point.outcome === 'unsupported') return point.reason.code !== 'limit-below-runtime';
  return point.outcome === 'invalid' || point.outcome === 'mismatch';
}
