/** Looks for the smallest memory limit with which a loader keeps its speed: a bisection over whatever weighs one limit. */
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

/** What was found, and every point that was weighed, in that order; the first is without a limit. */
export type Fit = { readonly points: readonly FitPoint[] } & (
  | {
      readonly kind: 'found';
      readonly smallest: FitPoint & { readonly outcome: 'ok' };
      /** The greatest limit that was too small; null where the lowest one asked for is enough. */
      readonly below: FitPoint | null;
    }
  /** Even the highest limit is too small. */
  | { readonly kind: 'none'; readonly highest: FitPoint }
  /** A point could not be weighed. */
  | { readonly kind: 'undecided'; readonly reason: Reason }
);

/** Of the model, read from storage for one token: more, and the model does not stay in memory. */
const THRASHING_SHARE = 0.1;
/** An invalid point is weighed again, this many times at most. */
const RETRIES = 2;

export function labelOf(point: FitPoint, unlimited: number, { modelBytes, share }: FitRequest): FitLabel {
  if (point.outcome !== 'ok') {
    const { code } = point.reason;
    if (code === 'out-of-memory' || code === 'limit-below-runtime') return code;
    return point.outcome === 'unsupported' ? 'unsupported' : 'failed';
  }
  if (point.tokensPerSecond >= share * unlimited) return 'fits';
  return (point.bytesReadPerToken ?? 0) > THRASHING_SHARE * modelBytes ? 'thrashes' : 'slower';
}

/**
 * Weighs no limit, the highest and the lowest, and then halves what lies between one that is too small and one that is
 * not. That takes more memory never to be slower; where noise has it otherwise, what is found is one of the limits at
 * which it turns. A limit that fits beside one that does not: both were weighed.
 */
export async function findFit(
  request: FitRequest,
  measure: (limitBytes: number | null) => Promise<FitPoint>,
): Promise<Fit> {
  const points: FitPoint[] = [];
  const weigh = async (bytes: number | null): Promise<FitPoint> => {
    for (let attempt = 0; ; attempt++) {
      const point = await measure(bytes);
      points.push(point);
      if (point.outcome !== 'invalid' || attempt === RETRIES) return point;
    }
  };
  const undecided = (reason: Reason): Fit => ({ kind: 'undecided', reason, points });

  const free = await weigh(null);
  if (free.outcome !== 'ok') return undecided(free.reason);
  const fits = (point: FitPoint): point is FitPoint & { readonly outcome: 'ok' } =>
    labelOf(point, free.tokensPerSecond, request) === 'fits';

  const highest = await weigh(request.highestBytes);
  if (isOpen(highest)) return undecided(highest.reason);
  if (!fits(highest)) return { kind: 'none', highest, points };
  let smallest = highest;
  const lowest = await weigh(request.lowestBytes);
  if (isOpen(lowest)) return undecided(lowest.reason);
  if (fits(lowest)) return { kind: 'found', smallest: lowest, below: null, points };
  let below: FitPoint = lowest;

  for (let low = request.lowestBytes, high = request.highestBytes; high - low > request.resolutionBytes;) {
    const middle = Math.floor((low + high) / 2);
    const point = await weigh(middle);
    if (isOpen(point)) return undecided(point.reason);
    if (fits(point)) [smallest, high] = [point, middle];
    else [below, low] = [point, middle];
  }
  return { kind: 'found', smallest, below, points };
}

/** Tells nothing about its limit: a loader whose memory no limit counts does not need more than the limit. */
function isOpen(point: FitPoint): point is Exclude<FitPoint, { readonly outcome: 'ok' }> {
  if (point.outcome === 'unsupported') return point.reason.code !== 'limit-below-runtime';
  return point.outcome === 'invalid' || point.outcome === 'mismatch';
}
