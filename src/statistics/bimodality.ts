/** Whether values have two modes: a median between them describes nothing. */
import { median } from './order.js';

/** Two groups of values that are not one spread. */
export interface Modes {
  readonly dip: number;
  readonly low: Mode;
  readonly high: Mode;
}

export interface Mode {
  readonly n: number;
  readonly median: number;
}

/**
 * 99th percentile of the dip of n uniform values, a million draws each (Maechler, R package diptest, qDiptab; Hartigan &
 * Hartigan 1985, table 1, has the same with 9,999 draws). In between √n · dip is interpolated, as that package does.
 */
const CRITICAL: readonly (readonly [n: number, dip: number])[] = [
  [10, 0.159684],
  [15, 0.135984],
  [20, 0.120624],
  [30, 0.101479],
  [50, 0.0812],
  [100, 0.0590241],
  [200, 0.0426865],
  [500, 0.0274518],
  [1000, 0.019608],
];

export const LEAST_FOR_MODES = 10;

/**
 * Null where one mode will do: Hartigans' dip test at 1 %. Of the usual methods it is the one that heavy tails and skew,
 * which load times have, do not set off: the uniform distribution is the least favourable of those with one mode, so
 * others are flagged more rarely still. The bimodality coefficient flags skew by itself (Freeman & Dale 2013, Behavior
 * Research Methods 45, 83–97, who recommend the dip). The price is that a mode with few values goes unseen: 2 of 10.
 * Fewer than 10 values are never flagged. Two values that alternate are flagged however close they are.
 */
export function modesOf(values: readonly number[]): Modes | null {
  if (values.length < LEAST_FOR_MODES) return null;
  const dip = dipOf(values);
  if (Math.sqrt(values.length) * dip <= criticalOf(values.length)) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const at = splitOf(sorted);
  const mode = (group: readonly number[]): Mode => ({ n: group.length, median: median(group) });
  return { dip, low: mode(sorted.slice(0, at)), high: mode(sorted.slice(at)) };
}

/** Of √n · dip. */
function criticalOf(n: number): number {
  const above = CRITICAL.findIndex(([size]) => size >= n);
  const [size, dip] = CRITICAL.at(above) ?? [1, 0];
  const [lower, smaller] = CRITICAL.at(Math.max(0, above - 1)) ?? [1, 0];
  // Beyond the table √n · dip hardly changes any more.
  if (above <= 0) return Math.sqrt(size) * dip;
  const from = Math.sqrt(lower) * smaller;
  return from + ((n - lower) / (size - lower)) * (Math.sqrt(size) * dip - from);
}

/** How many of ascending values are in the lower of the two groups with the least squares within (Fisher 1958). */
function splitOf(sorted: readonly number[]): number {
  const total = sorted.reduce((sum, value) => sum + value, 0);
  let best = 1;
  let most = -Infinity;
  let sum = 0;
  for (let n = 1; n < sorted.length; n += 1) {
    sum += sorted[n - 1] ?? 0;
    const rest = sorted.length - n;
    const between = sum ** 2 / n + (total - sum) ** 2 / rest;
    if (between > most) [most, best] = [between, n];
  }
  return best;
}

/** A distinct value, with how many values lie below it and how many do not lie above it. */
interface Step {
  readonly x: number;
  readonly below: number;
  readonly upTo: number;
}

/**
 * The dip: the greatest distance between the empirical distribution and the nearest one with a single mode (Hartigan &
 * Hartigan 1985, Annals of Statistics 13, 70–84, §4). From 1 ÷ 2n to ¼. Distribution functions are kept in counts, 0 to n.
 */
export function dipOf(values: readonly number[]): number {
  const steps = stepsOf(values);
  let low = 0;
  let high = steps.length - 1;
  let dip = 1;
  for (;;) {
    const interval = steps.slice(low, high + 1);
    const convex = envelope(interval, ({ below }) => below, 'below');
    const concave = envelope(interval, ({ upTo }) => upTo, 'above');
    const gap = widestGap(convex, concave);
    // A single value that occurs often is a mode, not a dip.
    if (gap.distance <= dip || low === high) break;
    const [from, to] = [gap.from, gap.to];
    for (const [index, { upTo, below }] of interval.entries()) {
      if (index < from) dip = Math.max(dip, upTo - (convex.heights[index] ?? upTo));
      if (index > to) dip = Math.max(dip, (concave.heights[index] ?? below) - below);
    }
    high = low + to;
    low += from;
  }
  return dip / (2 * values.length);
}

function stepsOf(values: readonly number[]): readonly Step[] {
  const sorted = Float64Array.from(values).sort();
  const steps: Step[] = [];
  for (const [below, x] of sorted.entries()) {
    const last = steps.at(-1);
    if (last?.x === x) steps[steps.length - 1] = { ...last, upTo: below + 1 };
    else steps.push({ x, below, upTo: below + 1 });
  }
  return steps;
}

interface Envelope {
  /** Indices of the steps that it touches. */
  readonly touches: readonly number[];
  /** At each step. */
  readonly heights: readonly number[];
}

/** The greatest convex function below the heights of steps, or the least concave one above them. */
function envelope(steps: readonly Step[], heightOf: (step: Step) => number, side: 'below' | 'above'): Envelope {
  const sign = side === 'below' ? 1 : -1;
  const touches: number[] = [];
  const point = (index: number): readonly [number, number] => {
    const step = steps[index];
    return step === undefined ? [Number.NaN, Number.NaN] : [step.x, heightOf(step)];
  };
  const slope = (from: number, to: number): number => {
    const [[x0, y0], [x1, y1]] = [point(from), point(to)];
    return (y1 - y0) / (x1 - x0);
  };
  for (const index of steps.keys()) {
    for (;;) {
      const [last, before] = [touches.at(-1), touches.at(-2)];
      if (last === undefined || before === undefined) break;
      if (sign * (slope(last, index) - slope(before, last)) > 0) break;
      touches.pop();
    }
    touches.push(index);
  }
  const heights: number[] = [];
  for (const [piece, to] of touches.entries()) {
    const from = touches[piece - 1];
    for (let index = from === undefined ? to : from + 1; index <= to; index += 1) {
      const [x, y] = point(to);
      heights.push(from === undefined ? y : y - slope(from, to) * (x - point(index)[0]));
    }
  }
  return { touches, heights };
}

interface Gap {
  readonly distance: number;
  /** Where the modal interval begins and ends: touching points of the convex and the concave envelope. */
  readonly from: number;
  readonly to: number;
}

/** Where the two envelopes are furthest apart, at a touching point of either. */
function widestGap(convex: Envelope, concave: Envelope): Gap {
  let widest: Gap = { distance: -1, from: 0, to: 0 };
  const distanceAt = (index: number): number => (concave.heights[index] ?? 0) - (convex.heights[index] ?? 0);
  for (const from of convex.touches) {
    const distance = distanceAt(from);
    const to = concave.touches.find((touch) => touch >= from) ?? from;
    if (distance > widest.distance) widest = { distance, from, to };
  }
  for (const to of concave.touches) {
    const distance = distanceAt(to);
    const from = convex.touches.findLast((touch) => touch <= to) ?? to;
    if (distance > widest.distance) widest = { distance, from, to };
  }
  return widest;
}
