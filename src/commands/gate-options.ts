/** Options of the commands that judge. */
import { UsageError } from '../failure.js';
import { GATE_METRICS, usualThresholds, type Thresholds } from '../gate/register.js';
import type { GateMetric } from '../samples/record.js';
import { commaList, several, share } from './arguments.js';

export const gateOptions = {
  threshold: {
    type: 'string',
    requiresArg: true,
    coerce: several,
    describe:
      'Worsening that is tolerated: 5% or 0.05, or of one metric ttft=3%; may be repeated (default: 5%, counters less)',
  },
  metric: {
    type: 'string',
    requiresArg: true,
    describe: `What is judged (default: all there is): ${GATE_METRICS.join(', ')}`,
  },
  'fail-on-inconclusive': { type: 'boolean', default: false, describe: 'End with 4 where a comparison stays open' },
} as const;

const USUAL = 0.05;

/** One share for all times, and METRIC=SHARE for one. Throws UsageError. */
export function thresholdsOf(texts: readonly string[] = []): Thresholds {
  const words = texts.flatMap((text) => text.split(',')).map((word) => word.trim());
  const general = words.filter((word) => !word.includes('='));
  if (general.length > 1) throw new UsageError(`--threshold: two are given for all metrics, ${general.join(' and ')}`);
  const [all] = general;
  const own = words
    .filter((word) => word.includes('='))
    .map((word): readonly [GateMetric, number] => {
      const at = word.indexOf('=');
      const [metric] = commaList('--threshold', word.slice(0, at), GATE_METRICS);
      if (metric === undefined) throw new UsageError(`--threshold: ${word} names no metric`);
      return [metric, share(`--threshold ${metric}`, word.slice(at + 1))];
    });
  const twice = own.find(([metric], index) => own.findIndex((other) => other[0] === metric) !== index);
  if (twice !== undefined) throw new UsageError(`--threshold: two are given for ${twice[0]}`);
  return { ...usualThresholds(all === undefined ? USUAL : share('--threshold', all)), ...Object.fromEntries(own) };
}

/** Null for all there is. Throws UsageError. */
export function metricsNamed(text: string | undefined): readonly GateMetric[] | null {
  return text === undefined ? null : commaList('--metric', text, GATE_METRICS);
}
