import { join } from 'node:path';
import test from 'ava';
import type { LoaderFit } from '../../src/samples/fit-model.js';
import { limitSupport } from '../../src/samples/cgroup-place.js';
import { weighbridge } from '../command.js';
import { removeFolder, scratchFolder } from '../processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

const model = join(folder, 'model.gguf');
// Any speed will do: what is asked here is what memory alone decides.
const work = '--share 1% --resolution 25% --generate 2 --lock-wait 600';

test.before(async (t) => {
  const made = await weighbridge(['gen', model, '--shape', '15m', '--type', 'f16']);
  if (made.code !== 0) t.fail(made.stderr);
});

test.serial(
  'a copy fits where the runtime and the model do, and is out of memory below; a map fits in less',
  async (t) => {
    const fit = await weighbridge(['fit', model, '--loader', 'stdio,mmap-shared', '--json', ...work.split(' ')]);
    const { reason } = limitSupport();
    if (reason !== null) {
      t.log(`skipped: ${reason.message}`);
      t.is(fit.code, 1);
      t.true(fit.stderr.includes(reason.message), fit.stderr);
      return;
    }
    t.is(fit.code, 0, fit.stderr);
    const { fits } = JSON.parse(fit.stdout) as { readonly fits: readonly LoaderFit[] };
    const of = (loader: string): LoaderFit | undefined => fits.find(({ arm }) => arm.loader === loader);
    const copied = of('stdio');
    if (copied?.fit.kind !== 'found') throw new Error(JSON.stringify(copied?.fit));
    const { lowestBytes, modelBytes } = copied.request;
    t.true((copied.fit.smallest.point.bytes ?? 0) >= lowestBytes + 0.6 * modelBytes);
    t.true((copied.fit.smallest.point.bytes ?? 0) <= lowestBytes + 1.6 * modelBytes);
    t.is(copied.fit.below?.point.outcome, 'failed');
    const mapped = of('mmap-shared');
    if (mapped?.fit.kind !== 'found') throw new Error(JSON.stringify(mapped?.fit));
    t.true((mapped.fit.smallest.point.bytes ?? Infinity) < (copied.fit.smallest.point.bytes ?? 0));
    for (const { fit: found, samples } of fits) {
      t.is(samples.length, found.points.length);
      for (const { state } of samples) t.is(state, 'cold');
    }
  },
);

test.serial('the table has a row a loader and says what was kept', async (t) => {
  if (limitSupport().reason !== null) {
    t.log(`skipped: ${limitSupport().reason?.message ?? ''}`);
    t.pass();
    return;
  }
  const fit = await weighbridge(['fit', model, '--loader', 'direct', ...work.split(' ')]);
  t.is(fit.code, 0, fit.stderr);
  t.regex(fit.stdout, /^direct +\d+ MiB +\d+ % +[\d.]+ tok\/s +\d+ %/m);
  t.regex(fit.stdout, /out of memory/);
  t.regex(fit.stdout, /decode steps after a\s+cold load keep 1 %/);
  for (const line of fit.stdout.split('\n').filter((text) => !text.includes(folder))) t.true(line.length <= 80, line);
});

for (const [option, value, expected] of [
  ['--loader', 'null', /the loader null keeps no weights to decode with, .*; leave it out of --loader\n$/],
  ['--loader', 'mmap-shared,stream-discard', /the loader stream-discard keeps no weights/],
  ['--share', '0', /--share must be a share above 0 and up to 100%, as 5% or 0\.05, not "0"/],
  ['--share', '90', /not "90"; did you mean 90%\?/],
  ['--resolution', 'fine', /--resolution must be/],
  ['--generate', '0', /--generate must be/],
] as const) {
  test.serial(`${option} ${value} is bad input`, async (t) => {
    const fit = await weighbridge(['fit', model, option, value]);
    t.is(fit.code, 2);
    t.regex(fit.stderr, expected);
  });
}
