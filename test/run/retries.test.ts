import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import test from 'ava';
import type { RunRecord, Sample } from '../../src/samples/record.js';
import { weighbridge } from '../command.js';
import { copyOfFixture, removeFolder, scratchFolder } from '../processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

/** Reads past the page cache a little: no warm sample of it is valid, which every one of them shows anew. */
const LOADER = `
import { constants, openSync, readFileSync, readSync, closeSync } from 'node:fs';
export const load = (parts, allocate) =>
  parts.map((part) => {
    const bytes = allocate(part);
    const file = openSync(part.path, constants.O_RDONLY | constants.O_DIRECT);
    const at = Math.ceil(part.begin / 4096) * 4096;
    readSync(file, bytes, at - part.begin, 4096, at);
    closeSync(file);
    bytes.set(readFileSync(part.path).subarray(part.begin, part.end));
    return bytes;
  });
`;

test('an invalid sample is tried again beside its partners, in the order of their block', async (t) => {
  const model = copyOfFixture('tiny-Q8_0.gguf', folder);
  const loader = join(folder, 'peeks.mjs');
  writeFileSync(loader, LOADER);
  const { stdout, stderr } = await weighbridge([
    ...['run', model, '--loader', `read,${loader}`, '--state', 'warm', '--memory-state', 'as-is', '--rounds', '6'],
    ...['--memory-rounds', '0', '--prompt', '4', '--generate', '3', '--threads', '1', '--json', '--lock-wait', '1100'],
    ...['--out', join(folder, 'run')],
  ]);
  const { run, samples } = JSON.parse(stdout) as { run: RunRecord; samples: readonly Sample[] };
  const peeks = samples.filter(({ arm }) => arm.loader === 'peeks');
  if (peeks.every(({ reason }) => reason?.errno === 'EINVAL')) {
    t.log('skipped: no O_DIRECT on the file system of the build folder');
    t.pass();
    return;
  }
  t.true(
    peeks.every(({ outcome }) => outcome === 'invalid'),
    stderr,
  );
  const orders = Array.from({ length: run.plan.rounds }, (_, index) => {
    const block = samples.filter(({ round }) => round === index + 1);
    const attempts = [...new Set(block.map(({ attempt }) => attempt))].toSorted((a, b) => a - b);
    return attempts.map((attempt) =>
      block
        .filter((sample) => sample.attempt === attempt)
        .toSorted((a, b) => a.position - b.position)
        .map(({ arm }) => arm.loader),
    );
  });
  for (const [index, [main = [], ...again]] of orders.entries()) {
    const isAlone = samples.every(
      ({ arm, round, outcome }) => round !== index + 1 || arm.loader === 'peeks' || outcome === 'ok',
    );
    // A partner that was tried again is one more.
    t.true(isAlone ? again.length === 2 : again.length >= 2, 'tried twice more');
    for (const order of again) t.deepEqual(order, main);
  }
  // Else the order would be that of the partners, whatever comes first.
  t.true(orders.some(([main = []]) => main.indexOf('peeks') < main.indexOf('read')));
});
