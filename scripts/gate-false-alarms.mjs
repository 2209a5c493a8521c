/**
 * How often the gate would cry wolf, from real pairs of equals:
 *   node scripts/gate-false-alarms.mjs RUN… [--gates 2000] [--threshold 0.05] [--pairs 40] [--seed 1]
 * RUN: what `weighbridge aa MODEL --pairs 60` recorded. For each, the comparisons that `weighbridge ab` registers, counters
 * included, are judged over gates of so many pairs: stretches of neighbouring rounds as they were recorded, with either copy
 * as head; and rounds drawn anew in runs of three, heads tossed. Told for the threshold alone, for the test without one, and
 * for the threshold with the noise floors that these very pairs give. Exit code 1 where more than 1 % of drawn gates alarm.
 */
import { parseArgs } from 'node:util';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { register, usualThresholds } from '../dist/src/gate/register.js';
import { readLedger } from '../dist/src/samples/ledger.js';
import { outcomesOf, roundsOf } from '../dist/src/statistics/comparison.js';
import { isCounter } from '../dist/src/statistics/metrics.js';
import { noiseFloor } from '../dist/src/statistics/noise-floor.js';
import { blockResample } from '../dist/src/statistics/resample.js';
import { judge } from '../dist/src/statistics/verdict.js';

const BOUND = 0.01;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    gates: { type: 'string', default: '2000' },
    threshold: { type: 'string', default: '0.05' },
    pairs: { type: 'string', default: '40' },
    seed: { type: 'string', default: '1' },
  },
});
const [gates, threshold, pairs, seed] = [values.gates, values.threshold, values.pairs, values.seed].map(Number);
if (positionals.length === 0 || ![gates, threshold, pairs, seed].every((value) => value > 0)) {
  process.stderr.write('gate-false-alarms: name runs of weighbridge aa; options are numbers above 0\n');
  process.exit(2);
}

/** The same rounds and heads for all comparisons of a state. */
const taken = (outcomes, indices, swapped) =>
  indices.map((round, at) => {
    const outcome = outcomes[round] ?? { kind: 'dropped' };
    return outcome.kind === 'pair' && swapped[at] ? { kind: 'pair', difference: -outcome.difference } : outcome;
  });

function kindsOf(comparisons, gate, rounds, { bare = false, floors = false } = {}) {
  const judged = comparisons.map(({ outcomes, registered, ...known }) => ({
    rounds: taken(outcomes, ...rounds(registered.state)),
    threshold: bare ? 1e-9 : registered.threshold,
    noiseFloors: gate.looks.map((_, look) => (floors ? known.floors[look] : null)),
  }));
  return judge(judged, { family: judged.length, alpha: gate.alpha, looks: gate.looks }, true).verdicts.map(
    ({ kind }) => kind,
  );
}

const percent = (share) => `${(100 * share).toFixed(2)} %`;
const total = { drawn: 0, pairs: 0, alarms: 0, floored: 0, bare: 0 };

for (const directory of positionals) {
  const { ledger } = readLedger(directory);
  const gate = register(ledger.run, {
    metrics: null,
    thresholds: usualThresholds(threshold),
    pairs,
    floorOf: () => null,
  });
  const comparisons = gate.comparisons.map((registered) => {
    const outcomes = outcomesOf(roundsOf(ledger, registered), registered.metric);
    const ratios = outcomes.flatMap((outcome) => (outcome.kind === 'pair' ? [outcome.difference] : []));
    const floorOf = (n) => (isCounter(registered.metric) ? null : noiseFloor(ratios, n, { seed, resamples: 2000 }));
    return { registered, outcomes, open: 0, floors: gate.looks.map(floorOf) };
  });
  const recorded = Math.min(...comparisons.map(({ outcomes }) => outcomes.length));
  const count = { alarms: 0, bare: 0, inconclusive: 0, floored: 0, flooredOpen: 0 };
  const generator = xoroshiro128plus(seed);
  for (let gateNumber = 0; gateNumber < gates; gateNumber += 1) {
    const drawn = new Map();
    const rounds = (state) => {
      if (!drawn.has(state)) {
        const indices = blockResample(recorded, pairs, generator);
        drawn.set(state, [indices, indices.map(() => uniformFloat64(generator) < 0.5)]);
      }
      return drawn.get(state);
    };
    const kinds = kindsOf(comparisons, gate, rounds);
    if (kinds.includes('regressed')) count.alarms += 1;
    for (const [index, kind] of kinds.entries()) if (kind === 'inconclusive') comparisons[index].open += 1;
    if (kinds.includes('inconclusive')) count.inconclusive += 1;
    const floored = kindsOf(comparisons, gate, rounds, { floors: true });
    if (floored.includes('regressed')) count.floored += 1;
    if (floored.includes('inconclusive')) count.flooredOpen += 1;
    if (kindsOf(comparisons, gate, rounds, { bare: true }).includes('regressed')) count.bare += 1;
  }
  // Neighbouring stretches share most of their rounds: they are told one by one, not as a rate.
  let stretches = 0;
  let stretchAlarms = 0;
  for (let start = 0; start + pairs <= recorded; start += 1) {
    for (const swap of [false, true]) {
      const indices = Array.from({ length: pairs }, (_, at) => start + at);
      const kinds = kindsOf(comparisons, gate, () => [indices, indices.map(() => swap)]);
      stretches += 1;
      if (kinds.includes('regressed')) stretchAlarms += 1;
    }
  }
  const share = (name) => percent(count[name] / gates);
  process.stdout.write(
    [
      `${directory}: ${recorded} recorded pairs, ${comparisons.length} comparisons, ${gates} drawn gates of ${pairs} pairs`,
      `  threshold alone: ${share('alarms')} alarm, ${share('inconclusive')} leave something open`,
      `  with noise floors: ${share('floored')} alarm, ${share('flooredOpen')} leave something open`,
      `  without a threshold: ${share('bare')} alarm`,
      `  of ${stretches} stretches as recorded ${stretchAlarms} alarm (threshold alone)\n`,
    ].join('\n'),
  );
  for (const { registered, open } of comparisons) {
    if (open > 0) {
      const { state, metric } = registered;
      process.stdout.write(`  ${state} ${metric} stays open in ${percent(open / gates)} (threshold alone)\n`);
    }
  }
  total.drawn += gates;
  total.pairs += recorded;
  for (const name of ['alarms', 'floored', 'bare']) total[name] += count[name];
}
process.stdout.write(
  `all: ${total.pairs} recorded pairs, ${total.drawn} drawn gates: ${percent(total.alarms / total.drawn)} alarm with the threshold alone, ${percent(total.floored / total.drawn)} with noise floors, ${percent(total.bare / total.drawn)} without either (bound ${percent(BOUND)})\n`,
);
process.exitCode = Math.max(total.alarms, total.bare) / total.drawn > BOUND ? 1 : 0;
