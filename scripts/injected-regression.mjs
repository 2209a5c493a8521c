/**
 * Whether the verdict rule finds a regression that was put in, and lets equals alone, on this machine:
 *   node scripts/injected-regression.mjs MODEL [--pairs 40] [--threshold 0.05] [--delay 2] [--state warm]
 * Three loaders of one function are weighed in one interleaved run: base, its equal twin, and one that sleeps first, for
 * --delay times the threshold of what base takes to its first token. Twin and sleeper are judged against base by the rule
 * of the gate, all metrics in one family. Exit code 1 where the sleeper's first token is not regressed, or anything of the
 * twin is; 2 for bad input.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readLedger } from '../dist/src/samples/ledger.js';
import { outcomesOf, roundsOf } from '../dist/src/statistics/comparison.js';
import { METRICS } from '../dist/src/statistics/metrics.js';
import { median } from '../dist/src/statistics/order.js';
import { LOOKS } from '../dist/src/statistics/sign-test.js';
import { judge } from '../dist/src/statistics/verdict.js';

const cli = fileURLToPath(new URL('../dist/src/cli.js', import.meta.url));

function end(code, message) {
  process.stderr.write(`injected-regression: ${message}\n`);
  process.exit(code);
}

function argumentsOf() {
  const options = {
    pairs: { type: 'string', default: '40' },
    threshold: { type: 'string', default: '0.05' },
    delay: { type: 'string', default: '2' },
    state: { type: 'string', default: 'warm' },
  };
  try {
    const { values, positionals } = parseArgs({ allowPositionals: true, options });
    const [model, ...others] = positionals;
    if (model === undefined || others.length > 0) end(2, 'name one model');
    const [pairs, threshold, delay] = [values.pairs, values.threshold, values.delay].map(Number);
    if (!LOOKS.includes(pairs)) end(2, `--pairs must be one of ${LOOKS.join(', ')}`);
    if (!(threshold > 0 && threshold < 1)) end(2, '--threshold must be between 0 and 1: 0.05 is 5 %');
    if (!(delay > 0)) end(2, '--delay must be above 0');
    return { model, pairs, threshold, delay, state: values.state };
  } catch (error) {
    return end(2, error.message);
  }
}

/** A loader that sleeps so long, then reads. */
function source(milliseconds) {
  return `import { readFileSync } from 'node:fs';
const nap = new Int32Array(new SharedArrayBuffer(4));
export const load = (parts, allocate) => {
  if (${milliseconds} > 0) Atomics.wait(nap, 0, 0, ${milliseconds});
  return parts.map((part) => {
    const bytes = allocate(part);
    bytes.set(readFileSync(part.path).subarray(part.begin, part.end));
    return bytes;
  });
};
`;
}

const { model, pairs, threshold, delay, state } = argumentsOf();
const scratch = mkdtempSync(join(tmpdir(), 'weighbridge-injected-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

function write(name, milliseconds) {
  const path = join(scratch, `${name}.mjs`);
  writeFileSync(path, source(milliseconds));
  return path;
}

function weigh(loaders, rounds) {
  const out = join(scratch, `run-${rounds}`);
  const fixed = ['--memory-rounds', '0', '--prompt', '4', '--generate', '4', '--lock-wait', '600'];
  const args = ['run', model, '--loader', loaders.join(','), '--state', state, '--rounds', String(rounds), ...fixed];
  const { status, stderr } = spawnSync(process.execPath, [cli, ...args, '--out', out], { encoding: 'utf8' });
  if (status !== 0) end(status === 2 ? 2 : 1, stderr.trimEnd().split('\n').at(-1));
  return readLedger(out).ledger;
}

const base = write('base', 0);
const alone = weigh([base], 5);
const usualMs = median(alone.samples.flatMap(({ outcome, ttftNs }) => (outcome === 'ok' ? [ttftNs / 1e6] : [])));
const sleepMs = delay * threshold * usualMs;
const ledger = weigh([base, write('twin', 0), write('sleeper', sleepMs)], pairs);
const ids = Object.fromEntries(ledger.run.plan.arms.map((id) => [ledger.run.arms[id].loader, id]));
const [memoryState] = ledger.run.plan.memoryStates;
const registered = ['twin', 'sleeper'].flatMap((head) => {
  const rounds = roundsOf(ledger, { head: ids[head], base: ids.base, state, memoryState });
  return METRICS.map((metric) => ({ head, metric, rounds: outcomesOf(rounds, metric) }));
});
const { verdicts } = judge(
  registered.map(({ rounds }) => ({ rounds, threshold, noiseFloors: LOOKS.map(() => null) })),
  { family: registered.length },
  true,
);

console.log(`base: first token after ${usualMs.toFixed(1)} ms; the sleeper sleeps ${sleepMs.toFixed(1)} ms`);
for (const [index, { head, metric, rounds }] of registered.entries()) {
  const differences = rounds.flatMap((round) => (round.kind === 'pair' ? [round.difference] : []));
  const ratio = differences.length === 0 ? 'no pair' : Math.exp(median(differences)).toFixed(3);
  console.log(
    `${head.padEnd(8)} ${metric.padEnd(9)} ${ratio} over ${differences.length} pairs: ${verdicts[index].kind}`,
  );
}
const kindOf = (wanted, of) =>
  verdicts[registered.findIndex(({ head, metric }) => head === wanted && metric === of)].kind;
const cried = METRICS.filter((metric) => ['regressed', 'improved'].includes(kindOf('twin', metric)));
if (kindOf('sleeper', 'ttft') !== 'regressed') end(1, 'the regression that was put in was not found');
if (cried.length > 0) end(1, `equals were called different in ${cried.join(', ')}`);
