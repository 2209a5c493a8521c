import { existsSync, statSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { writeBystander } from '../../src/commands/bystander-file.js';
import { refuseShort, type Needs } from '../../src/commands/claims-needs.js';
import { UsageError } from '../../src/failure.js';
import { removeFolder, scratchFolder } from '../processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

const MIB = 2 ** 20;

const needs: Needs = {
  modelBytes: MIB,
  writeTo: join(folder, 'cache', 'model.gguf'),
  outDirectory: join(folder, 'out'),
  bystanderBytes: MIB,
  availableBytes: null,
  sessionBytes: 0,
  budgetSeconds: 60,
};

test("a model and a bystander's file on one disk need room for both", (t) => {
  const { bavail, bsize } = statfsSync(folder);
  // Each alone fits.
  const most = 0.6 * bavail * bsize;
  const refused = t.throws(() => refuseShort({ ...needs, modelBytes: most, bystanderBytes: most }), {
    instanceOf: UsageError,
  });
  t.regex(
    refused?.message ?? '',
    /: the model and the bystander's file need \d\S* [GMT]iB of disk, \d\S* [GMT]iB is free; free some/,
  );
  t.notThrows(() => refuseShort({ ...needs, writeTo: null, modelBytes: most, bystanderBytes: most }));
  t.notThrows(() => refuseShort(needs));
});

test("writing a bystander's file ends with an interruption", async (t) => {
  const path = join(folder, 'bystander');
  const controller = new AbortController();
  const writing = writeBystander(path, 512 * MIB, controller.signal);
  setTimeout(() => controller.abort(new Error('interrupted')), 5);
  await t.throwsAsync(writing, { message: 'interrupted' });
  t.true(existsSync(path) && statSync(path).size < 512 * MIB);
});

test("a bystander's file has the size that was asked for", async (t) => {
  const path = join(folder, 'whole');
  await writeBystander(path, 2 * MIB + 17, new AbortController().signal);
  t.is(statSync(path).size, 2 * MIB + 17);
});
