/** Options by which a run waits for a quiet machine, and stops when its ratios are known well enough. */
import { UsageError } from '../failure.js';
import { roleOf, type ChosenLoader } from '../loader.js';
import { LEAST_FOR_INTERVAL } from '../statistics/order.js';
import { MOST_PAIRS } from '../statistics/sign-test.js';
import { positive, share, whole } from './arguments.js';

const ROUNDS = 3;
/** With --precision the rounds are the most there may be: as many as the last look of a verdict has pairs. */
const MOST_ROUNDS = MOST_PAIRS;
/** Fewer pairs have no interval whose width could be judged. */
const LEAST_ROUNDS = LEAST_FOR_INTERVAL;
const WAIT_SECONDS = 60;

export const quietOptions = {
  'wait-quiet': {
    type: 'string',
    describe: `Before each block wait until the machine is quiet, at most this many seconds (alone: ${WAIT_SECONDS})`,
  },
} as const;

export const exploringOptions = {
  rounds: {
    type: 'string',
    describe: `Times that every cell is weighed (default: ${ROUNDS}); with --precision the most (default: ${MOST_ROUNDS})`,
  },
  precision: {
    type: 'string',
    requiresArg: true,
    describe:
      'End after the round in which the intervals of all first-token ratios are within ± this much, as 5% or 0.05 (explores; never gates)',
  },
  ...quietOptions,
} as const;

interface ExploringArguments {
  readonly rounds: string | undefined;
  readonly precision: string | undefined;
  readonly waitQuiet: string | undefined;
}

export interface Exploring {
  readonly rounds: number;
  readonly precision: number | null;
  readonly waitQuietSeconds: number | null;
}

/** Throws UsageError where the options cannot be, or there is nothing whose precision could be judged. */
export function exploringOf(
  { rounds, precision, waitQuiet }: ExploringArguments,
  loaders: readonly ChosenLoader[],
): Exploring {
  const adaptive = precision !== undefined;
  if (adaptive && loaders.filter(({ mechanism }) => roleOf(mechanism) === 'loader').length < 2) {
    throw new UsageError('--precision is that of first-token ratios: name two loaders or more that can be compared');
  }
  const asked = rounds === undefined ? null : whole('--rounds', rounds, 1, 100_000);
  if (adaptive && asked !== null && asked < LEAST_ROUNDS) {
    throw new UsageError(
      `--rounds ${asked} is too few for --precision, whose intervals take ${LEAST_ROUNDS}: give --rounds ${LEAST_ROUNDS} or more, or leave it out for at most ${MOST_ROUNDS}`,
    );
  }
  return {
    rounds: asked ?? (adaptive ? MOST_ROUNDS : ROUNDS),
    precision: adaptive ? share('--precision', precision) : null,
    waitQuietSeconds: waitQuietSecondsOf(waitQuiet),
  };
}

/** Null where it was not given; alone it is an empty text. Throws UsageError. */
export function waitQuietSecondsOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (text.trim() === '') return WAIT_SECONDS;
  if (/^[\d.]+s?$/.test(text.trim())) return positive('--wait-quiet', text);
  throw new UsageError(
    `--wait-quiet takes a number of seconds or nothing, not ${JSON.stringify(text)}; put it behind the models or write --wait-quiet=${WAIT_SECONDS}`,
  );
}
