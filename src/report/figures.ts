/** Descriptions and ratios as a report holds them. */
import { LEAST_FOR_INTERVAL } from '../statistics/order.js';
import type { Description, PairedRatio } from '../statistics/summary-types.js';
import type { Figure, RatioFigure } from './report-types.js';

export function figure(description: Description | null, text: (value: number) => string): Figure | null {
  if (description === null) return null;
  const { median, n, min, max } = description;
  const rangeText = n === 1 ? null : `${text(min)}–${text(max)}`;
  return { value: median, n, low: min, high: max, rangeText, text: text(median) };
}

export function ratioFigure(
  paired: PairedRatio | null | undefined,
  text: (value: number) => string,
): RatioFigure | null {
  if (paired === null || paired === undefined) return null;
  const { median, pairs, low, high, spread, confidence, values } = paired;
  const few = pairs > 1 && pairs < LEAST_FOR_INTERVAL;
  return {
    value: median,
    pairs,
    low,
    high,
    spread,
    confidence,
    values,
    text: text(median),
    spreadText: pairs === 1 ? '1 pair' : `${text(low)}–${text(high)}`,
    eachText: few
      ? values
          .toSorted((a, b) => a - b)
          .map(text)
          .join(' ')
      : null,
  };
}
