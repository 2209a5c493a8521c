/**
 * Error rates of the gate on this machine, by simulation over the recorded samples of an arm weighed against itself:
 *   node scripts/error-rates.mjs RUN [--gates 1000] [--threshold 0.05] [--seed 1] [--json FILE]
 * RUN is the directory of `weighbridge aa`. Each simulated gate draws whole rounds in runs of three neighbours, with the
 * roles of head and base in each block tossed anew, and judges all states and metrics together by the rule of the gate:
 *   equals        nothing is changed: how many gates cry wolf (at most 1 in 100)
 *   a change      head is slower by twice the threshold: how often that is found (95 in 100 where the spread of pairs allows
 *                 it), and how often it is called unchanged, where it should be inconclusive
 *   blocked order the whole machine drifts while equals are measured, as interleaved pairs and as all of base before all of
 *                 head: why neighbours are paired
 * Exit code 1 where a bound is not kept, 2 for bad input.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { readLedger } from '../dist/src/samples/ledger.js';
import { outcomesOf, roundsOf } from '../dist/src/statistics/comparison.js';
import { METRICS, costOf } from '../dist/src/statistics/metrics.js';
import { copiesOf } from '../dist/src/statistics/noise.js';
import { LEAST_FOR_FLOOR, noiseFloor } from '../dist/src/statistics/noise-floor.js';
import { median } from '../dist/src/statistics/order.js';
import { blockResample } from '../dist/src/statistics/resample.js';
import { LOOKS } from '../dist/src/statistics/sign-test.js';
import { judge } from '../dist/src/statistics/verdict.js';

const FALSE_ALARMS = 0.01;
const FOUND = 0.95;
/** Of the machine's speed over a whole gate. */
const DRIFTS = [0, 0.05, 0.1, 0.2, 0.5];
const MOST = LOOKS.at(-1);

function refuse(message) {
  process.stderr.write(`error-rates: ${message}\n`);
  process.exit(2);
}

function argumentsOf() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        gates: { type: 'string', default: '1000' },
        threshold: { type: 'string', default: '0.05' },
        seed: { type: 'string', default: '1' },
        json: { type: 'string' },
      },
    });
  } catch (error) {
    return refuse(error.message);
  }
}

const { values: given, positionals } = argumentsOf();
const [directory, ...others] = positionals;
if (directory === undefined || others.length > 0) refuse('name the directory of one run of weighbridge aa');
const gates = Number(given.gates);
const seed = Number(given.seed);
const threshold = Number(given.threshold);
if (!Number.isSafeInteger(gates) || gates < 1) refuse('--gates must be a whole number above 0');
if (!Number.isSafeInteger(seed)) refuse('--seed must be a whole number');
if (!(threshold > 0 && threshold < 1)) refuse('--threshold must be between 0 and 1: 0.05 is 5 %');

/** One state and metric: what each recorded round gave, and the log costs of both copies. */
function comparisonsOf() {
  return roundsByPlace().flatMap(({ place, rounds }, block) =>
    METRICS.map((metric) => {
      const outcomes = outcomesOf(rounds, metric);
      const differences = outcomes.flatMap((round) => (round.kind === 'pair' ? [round.difference] : []));
      const floors = LOOKS.map((pairs) => noiseFloor(differences, pairs, { seed }));
      const costs = rounds.flatMap(({ pair }) => {
        const both = pair === null ? [] : [costOf(pair.base, metric), costOf(pair.head, metric)];
        return both.length === 2 && !both.includes(null) ? [both.map(Math.log)] : [];
      });
      return { name: `${place.state} ${place.memoryState} ${metric}`, block, outcomes, differences, floors, costs };
    }),
  );
}

function roundsByPlace() {
  try {
    const { ledger } = readLedger(directory);
    const { base, head } = copiesOf(ledger);
    const { memoryStates, states } = ledger.run.plan;
    const places = memoryStates.flatMap((memoryState) => states.map((state) => ({ state, memoryState })));
    return places.map((place) => ({ place, rounds: roundsOf(ledger, { head: head.id, base: base.id, ...place }) }));
  } catch (error) {
    return refuse(`${directory}: ${error.message}; weighbridge aa MODEL records a run of one loader named twice`);
  }
}

const comparisons = comparisonsOf();
const recorded = Math.min(...comparisons.map(({ differences }) => differences.length));
if (recorded < LEAST_FOR_FLOOR) refuse(`${directory}: ${recorded} pairs; at least ${LEAST_FOR_FLOOR} are needed`);
const family = comparisons.length;
const blocks = 1 + Math.max(...comparisons.map(({ block }) => block));

/** Verdict kinds of many gates, of each comparison, and how many gates had any regression. */
function simulate(salt, roundsFor, { floors = true, tolerance = threshold, looks = LOOKS } = {}) {
  const generator = xoroshiro128plus(seed * 1000 + salt);
  const kinds = comparisons.map(() => ({ regressed: 0, improved: 0, unchanged: 0, inconclusive: 0 }));
  let alarms = 0;
  for (let gate = 0; gate < gates; gate++) {
    const rounds = roundsFor(generator);
    const { verdicts } = judge(
      comparisons.map((comparison, index) => ({
        rounds: rounds[index],
        threshold: tolerance,
        noiseFloors: floors ? comparison.floors : LOOKS.map(() => null),
      })),
      { family, looks },
    );
    for (const [index, { kind }] of verdicts.entries()) kinds[index][kind] += 1 / gates;
    if (verdicts.some(({ kind }) => kind === 'regressed')) alarms += 1;
  }
  return { alarms: alarms / gates, kinds };
}

const coin = (generator) => uniformFloat64(generator) < 0.5;

/** Rounds as they were recorded, drawn anew; the same rounds and tosses for all metrics of a block. */
function drawn(generator, change = () => 0) {
  const indices = blockResample(comparisons[0].outcomes.length, MOST, generator);
  const swapped = Array.from({ length: blocks }, () => indices.map(() => coin(generator)));
  return comparisons.map((comparison, index) =>
    indices.map((round, at) => {
      const outcome = comparison.outcomes[round];
      if (outcome?.kind !== 'pair') return outcome ?? { kind: 'dropped' };
      const difference = swapped[comparison.block][at] ? -outcome.difference : outcome.difference;
      return { kind: 'pair', difference: difference + change(index) };
    }),
  );
}

/** Equals on a machine that slows down evenly by `drift` over the gate. */
function drifting(generator, drift, order) {
  const slope = Math.log1p(drift) / (2 * MOST);
  return comparisons.map(({ costs }) => {
    const first = blockResample(costs.length, MOST, generator);
    const second = order === 'blocked' ? blockResample(costs.length, MOST, generator) : first;
    return first.map((round, at) => {
      const baseIsFirst = coin(generator);
      const [one, other] = order === 'blocked' || baseIsFirst ? [0, 1] : [1, 0];
      const base = costs[round][one];
      const head = costs[second[at]][other];
      const distance = order === 'blocked' ? MOST : baseIsFirst ? 1 : -1;
      return { kind: 'pair', difference: head - base + slope * distance };
    });
  });
}

/** The drift that was recorded: base from the first half of a stretch of neighbouring rounds, head from the second. */
function asRecorded(generator, order) {
  const half = Math.floor(recorded / 2);
  return comparisons.map(({ costs }) => {
    const start = Math.floor(uniformFloat64(generator) * (costs.length - 2 * half + 1));
    return Array.from({ length: half }, (_, at) => {
      const [one, other] = coin(generator) ? [0, 1] : [1, 0];
      const [base, head] = order === 'blocked' ? [start + at, start + half + at] : [start + at, start + at];
      return { kind: 'pair', difference: costs[head][other] - costs[base][one] };
    });
  });
}

const sd = (list) => {
  const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
  return Math.sqrt(list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (list.length - 1));
};
/** As sd for a normal distribution, whatever the outliers: 1.4826 × the median distance from the median. */
const robustSd = (list) => 1.4826 * median(list.map((value) => Math.abs(value - median(list))));

const percent = (share, decimals = 1) => (share === null ? '–' : `${(share * 100).toFixed(decimals)} %`);
const row = (cells, widths) =>
  cells.map((cell, index) => (index === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[index]))).join('  ');
function table(heading, rows) {
  const widths = heading.map((name, index) => Math.max(name.length, ...rows.map((cells) => cells[index].length)));
  return [heading, ...rows].map((cells) => `${row(cells, widths).trimEnd()}\n`).join('');
}

const equals = simulate(1, (generator) => drawn(generator));
const bare = simulate(2, (generator) => drawn(generator), { floors: false, tolerance: 1e-9 });
const tolerances = comparisons.map(({ floors }) => Math.max(threshold, floors.at(-1)));
const twiceThreshold = simulate(3, (generator) => drawn(generator, () => Math.log1p(2 * threshold)));
const twiceTolerance = simulate(4, (generator) => drawn(generator, (index) => Math.log1p(2 * tolerances[index])));

const changes = comparisons.map(({ name, differences, floors }, index) => {
  const tolerance = tolerances[index];
  return {
    name,
    pairs: differences.length,
    sd: sd(differences),
    robustSd: robustSd(differences),
    noiseFloors: floors,
    tolerance,
    // Signs do not know how far an outlier lies, so it is the robust spread that says what they can show. Where noise alone
    // exceeds the threshold, twice the threshold may be noise.
    allows: robustSd(differences) <= tolerance && floors.at(-1) <= threshold,
    allowsTwiceTolerance: robustSd(differences) <= tolerance,
    twiceThreshold: twiceThreshold.kinds[index],
    twiceTolerance: twiceTolerance.kinds[index],
  };
});

const drifts = DRIFTS.map((drift) => {
  const share = (order) => simulate(5, (generator) => drifting(generator, drift, order)).alarms;
  return { drift, interleaved: share('interleaved'), blocked: share('blocked') };
});
const half = Math.floor(recorded / 2);
const shorter = { looks: LOOKS.filter((pairs) => pairs <= half) };
const recordedDrift = {
  pairs: half,
  interleaved: simulate(6, (generator) => asRecorded(generator, 'interleaved'), shorter).alarms,
  blocked: simulate(6, (generator) => asRecorded(generator, 'blocked'), shorter).alarms,
};

const broken = [
  ...(equals.alarms > FALSE_ALARMS ? [`${percent(equals.alarms)} of gates of equals are false alarms`] : []),
  ...(bare.alarms > FALSE_ALARMS
    ? [`${percent(bare.alarms)} of gates of equals are false alarms without a threshold`]
    : []),
  ...changes.flatMap(({ name, allows, allowsTwiceTolerance, twiceThreshold: one, twiceTolerance: two }) => [
    ...(allows && one.regressed < FOUND ? [`${name}: twice the threshold is found in ${percent(one.regressed)}`] : []),
    ...(allowsTwiceTolerance && two.regressed < FOUND
      ? [`${name}: twice τ is found in ${percent(two.regressed)}`]
      : []),
    ...(two.unchanged + two.improved > FALSE_ALARMS
      ? [`${name}: twice τ is called no regression in ${percent(two.unchanged + two.improved)}`]
      : []),
  ]),
];

process.stdout.write(
  [
    `${directory}: ${recorded} pairs or more, ${gates} gates of ${family} comparisons, threshold ${percent(threshold)}, seed ${seed}\n\n`,
    `False alarms of a whole gate of equals: ${percent(equals.alarms, 2)} (bound ${percent(FALSE_ALARMS)}); by the sign test alone, without threshold or noise floor: ${percent(bare.alarms, 2)}\n\n`,
    `Head slower by twice the threshold, or by twice τ = max(threshold, noise floor of ${MOST} pairs); share of gates\n`,
    table(
      [
        'comparison',
        'sd',
        'robust sd',
        'τ',
        'found 2×thr',
        'inconcl.',
        'missed',
        'found 2×τ',
        'inconcl.',
        'missed',
        'allows',
      ],
      changes.map((one) => [
        one.name,
        percent(one.sd),
        percent(one.robustSd),
        percent(one.tolerance),
        percent(one.twiceThreshold.regressed),
        percent(one.twiceThreshold.inconclusive),
        percent(one.twiceThreshold.unchanged + one.twiceThreshold.improved),
        percent(one.twiceTolerance.regressed),
        percent(one.twiceTolerance.inconclusive),
        percent(one.twiceTolerance.unchanged + one.twiceTolerance.improved),
        one.allows ? 'yes' : one.allowsTwiceTolerance ? 'only 2×τ' : 'no',
      ]),
    ),
    '\nEquals on a machine that slows down during the gate: share of gates with a false alarm\n',
    table(
      ['slower by the end', 'interleaved pairs', 'all of base, then all of head'],
      [
        ...drifts.map(({ drift, interleaved, blocked }) => [percent(drift, 0), percent(interleaved), percent(blocked)]),
        [`as recorded, ${half} pairs`, percent(recordedDrift.interleaved), percent(recordedDrift.blocked)],
      ],
    ),
    broken.length === 0 ? '\nAll bounds are kept.\n' : `\nNot kept:\n${broken.map((line) => `  ${line}\n`).join('')}`,
  ].join(''),
);
const result = {
  directory,
  gates,
  family,
  threshold,
  seed,
  recorded,
  equals,
  bare,
  changes,
  drifts,
  recordedDrift,
  broken,
};
if (given.json !== undefined) writeFileSync(given.json, `${JSON.stringify(result, null, 1)}\n`);
process.exitCode = broken.length === 0 ? 0 : 1;
