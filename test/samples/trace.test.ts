/** `run --trace` against real children: what the timeline of each loader and state tells. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { native } from '../../src/native.js';
import type { ChromeTrace, TraceEvent } from '../../src/samples/chrome-trace.js';
import type { Sample } from '../../src/samples/record.js';
import type { Summary } from '../../src/statistics/summary-types.js';
import { weighbridge } from '../command.js';
import { copyOfFixture, removeFolder, scratchFolder } from '../processes.js';
import { tried } from '../run/tried.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

const model = copyOfFixture('tiny-Q4_0.gguf', folder);
const out = join(folder, 'traced');
const loaders = ['read', 'mmap-shared'];
const states = ['cold', 'warm'];

type Span = Extract<TraceEvent, { readonly ph: 'X' }>;

const read = (name: string): ChromeTrace => JSON.parse(readFileSync(join(out, name), 'utf8')) as ChromeTrace;
const spansOf = ({ traceEvents }: ChromeTrace): Span[] =>
  traceEvents.filter((event): event is Span => event.ph === 'X');
const endOf = ({ ts, dur }: Span): number => ts + dur;
/** Sums of fractions of a microsecond are not exact. */
const NEARLY = 1e-3;
const within = (inner: Span, outer: Span): boolean =>
  inner.ts >= outer.ts - NEARLY && endOf(inner) <= endOf(outer) + NEARLY;

async function run(...args: readonly string[]): Promise<{ readonly samples: Sample[]; readonly summary: Summary }> {
  const { code, stdout, stderr } = await weighbridge([
    ...['run', model, '--loader', loaders.join(','), '--rounds', '1', '--memory-rounds', '0', '--json'],
    ...['--memory-state', 'as-is', '--prompt', '4', '--generate', '3', '--threads', '2', '--lock-wait', '1100'],
    ...args,
  ]);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as { samples: Sample[]; summary: Summary };
}

test.serial('each loader and state is traced once, in a pass whose times are not used', async (t) => {
  const { samples, summary } = await run('--trace', '--out', out);
  const traced = tried(samples).filter(({ pass }) => pass === 'trace');
  t.deepEqual(
    traced.map(({ arm, state }) => `${arm.loader} ${state}`).sort(),
    loaders.flatMap((loader) => states.map((state) => `${loader} ${state}`)).sort(),
  );
  for (const sample of traced) {
    t.is(sample.outcome, 'ok', sample.reason?.message);
    t.is(sample.ttftNs, null);
    t.is(sample.completeNs, null);
    t.is(sample.debt, null);
    t.false('trace' in sample);
  }
  // Again only where a partner was tried again.
  const again = samples.some(({ pass, outcome }) => pass === 'time' && outcome === 'invalid');
  for (const cell of summary.cells) t.true(cell.outcomes.ok === 1 || (again && cell.outcomes.ok > 1));
  const files = readdirSync(out).filter((name) => name.startsWith('trace-'));
  t.deepEqual(files.sort(), loaders.flatMap((loader) => states.map((state) => `trace-${loader}-${state}.json`)).sort());
});

test.serial('a sample of the time pass states its debt and the traffic of its device', (t) => {
  const lines = readFileSync(join(out, 'ledger.jsonl'), 'utf8').trimEnd().split('\n');
  const samples = lines.map((line) => JSON.parse(line) as Sample).filter((record) => record.kind === 'sample');
  const timed = samples.filter(({ pass, phases }) => pass === 'time' && phases !== null);
  t.true(timed.length > 0);
  for (const { debt, phases, traffic, effective, state } of timed) {
    const decode = phases?.decode ?? null;
    if (debt === null || phases === null) {
      // Only where decode read storage: something else took the model out of memory.
      t.true(decode !== null && ((decode.readBytes ?? 0) > 0 || decode.majorFaults > 0), 'no debt');
      continue;
    }
    t.is(debt.explainedNs + debt.unexplainedNs, debt.ns);
    t.true(debt.explainedNs >= 0 && debt.explainedNs <= Math.max(0, debt.ns));
    t.is(debt.minorFaults, phases.firstToken.minorFaults);
    if (traffic !== null && state === 'cold') t.true(traffic.readBytes >= Number(effective?.['issuedBytes'] ?? 0));
  }
});

test.serial('every span lies in its phase, layer and step, and lasts no negative time', (t) => {
  for (const name of readdirSync(out).filter((file) => file.startsWith('trace-'))) {
    const spans = spansOf(read(name));
    t.true(
      spans.every(({ dur, ts }) => dur >= 0 && ts >= 0),
      name,
    );
    // Spans of one track must lie in or beside one another.
    const open: Span[] = [];
    for (const span of [...spans].sort((a, b) => a.ts - b.ts || b.dur - a.dur)) {
      while (open.length > 0 && endOf(open.at(-1)!) <= span.ts + NEARLY) open.pop();
      const around = open.at(-1);
      t.true(around === undefined || within(span, around), `${name}: ${span.name} in ${around?.name ?? ''}`);
      open.push(span);
    }
    const phases = spans.filter(({ cat }) => cat === 'phase').map((span) => span.name);
    const expected = ['setup', 'held at the start', 'open', 'acquire', 'first token', 'complete', 'prefill', 'decode'];
    t.deepEqual(phases, [...expected, 'release'], name);
    const layers = spans.filter(({ cat }) => cat === 'layer').map((span) => span.name);
    const { shape } = native().kernelPlan(model, { context: 16, batch: 1, threads: 1 });
    t.deepEqual(layers, ['input', ...Array.from({ length: shape.layers }, (_, at) => `layer ${at}`), 'output'], name);
  }
});

test.serial('the first token uses every tensor once, and their faults and reads are among its own', (t) => {
  const tensors = native().inspect(model, { arrays: false, digest: false }).tensors;
  for (const name of readdirSync(out).filter((file) => file.startsWith('trace-'))) {
    const spans = spansOf(read(name));
    const first = spans.find((span) => span.cat === 'phase' && span.name === 'first token');
    if (first === undefined) {
      t.fail(`${name} has no first token`);
      continue;
    }
    const used = spans.filter((span) => span.cat === 'tensor' && within(span, first));
    t.deepEqual(used.map((span) => span.name).sort(), tensors.map((tensor) => tensor.name).sort(), name);
    for (const counter of ['minorFaults', 'majorFaults', 'readBytes']) {
      const sum = used.reduce((total, { args }) => total + Number(args[counter]), 0);
      t.true(sum <= Number(first.args[counter]), `${name}: ${counter} ${sum} of ${first.args[counter] as number}`);
    }
  }
});

test.serial('a tensor is there when load has returned from a copy, and after its use from a map', (t) => {
  const present = (name: string, when: string): readonly (number | null)[] =>
    spansOf(read(name)).flatMap(({ cat, args }) => (cat === 'tensor' ? [args[when] as number | null] : []));
  const copied = spansOf(read('trace-read-cold.json')).filter(({ cat }) => cat === 'tensor');
  if (present('trace-mmap-shared-cold.json', 'presentWhenLoaded').includes(null)) {
    t.log('skipped: residency cannot be read here');
    t.pass();
    return;
  }
  t.true(copied.every(({ args }) => args['presentWhenLoaded'] === args['tensorBytes']));
  const total = (values: readonly (number | null)[]): number =>
    values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  const cold = 'trace-mmap-shared-cold.json';
  t.true(total(present(cold, 'presentWhenLoaded')) < total(present(cold, 'presentAfterFirstToken')));
  t.true(existsSync(join(out, cold)));
});

test.serial('without --trace there is no trace pass and no file', async (t) => {
  const plain = join(folder, 'plain');
  const { samples } = await run('--out', plain);
  t.true(samples.length > 0 && samples.every(({ pass }) => pass === 'time'));
  t.false(readdirSync(plain).some((name) => name.startsWith('trace-')));
});
