/** Runs in a group whose memory is limited, as in a container: what its limit leaves is all that there is. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { native } from '../../src/native.js';
import { readLedger } from '../../src/samples/ledger.js';
import type { Sample } from '../../src/samples/record.js';
import { weighbridge } from '../command.js';
import { removeFolder, scratchFolder } from '../processes.js';
import { MIB, limitFor, node, placeFor, said } from '../samples/groups.js';

const cli = fileURLToPath(new URL('../../src/cli.js', import.meta.url));
const machine = new URL('../../src/machine.js', import.meta.url).href;

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

const small = join(folder, 'small.gguf');
const large = join(folder, 'large.gguf');
const work = '--loader mmap-shared --rounds 1 --memory-rounds 0 --prompt 4 --generate 4 --lock-wait 600'.split(' ');

/** Of 48 and of 258 MiB. */
test.before(async (t) => {
  for (const [model, shape] of [
    [small, '15m'],
    [large, '110m'],
  ] as const) {
    const made = await weighbridge(['gen', model, '--shape', shape, '--type', 'f16']);
    if (made.code !== 0) t.fail(made.stderr);
  }
});

let runs = 0;

/** Samples of a run in a group with that limit, after a line of the shell in it. Null where there are no groups. */
async function runWithin(
  t: ExecutionContext,
  bytes: number,
  args: readonly string[],
  before = 'true',
): Promise<readonly Sample[] | null> {
  const limit = await limitFor(t, { bytes, processes: 1, below: ['tool'] });
  if (limit === null) return null;
  runs += 1;
  const out = join(folder, `run-${runs}`);
  const line = `${before} && exec "$@" > /dev/null 3>&- 4>&-`;
  const command = [process.execPath, cli, 'run', ...args, ...work, '--out', out];
  const launched = limit.launcher('tool').launch('/bin/sh', ['-c', line, 'sh', ...command]);
  launched.release.on('error', () => undefined);
  launched.answer.resume();
  let told = '';
  launched.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
  const { exitCode } = await launched.ended;
  t.is(exitCode, 0, told);
  return readLedger(out).ledger.samples;
}

test.serial('what is unused in a limited group is what its limit leaves', async (t) => {
  const limit = await limitFor(t, { bytes: 300 * MIB, processes: 1 });
  if (limit === null) return;
  const text = `
    const { unusedMemory } = await import(${JSON.stringify(machine)});
    const before = unusedMemory();
    take(100 * 1048576);
    say(before + ' ' + unusedMemory());`;
  const [before = 0, after = 0] = (await said(node(limit.launcher(), text))).split(' ').map(Number);
  t.true(before > 100 * MIB && before < 300 * MIB, String(before));
  t.true(after < before - 90 * MIB, `${before}, then ${after}`);
});

test.serial('a later load meets all that the one before it left, however little a limit leaves', async (t) => {
  const states = ['--state', 'cold', '--memory-state', 'backed', '--loads', '2'];
  const samples = await runWithin(t, 740 * MIB, [large, ...states]);
  if (samples === null) return;
  const [first, second] = samples.filter(({ arm }) => arm.loader === 'mmap-shared');
  t.is(second?.load, 2);
  t.is(second?.outcome, 'ok', second?.reason?.message);
  const [left, met] = [first?.residency?.after ?? 0, second?.residency?.before ?? 0];
  t.true(left > 0.95 * (first?.residency?.size ?? Infinity));
  // Where so little is left the kernel may take a few pages by itself.
  t.true(met > 0.95 * left, `${met} of ${left}`);
});

test.serial(
  'preparing a sample takes nothing of a bystander’s file where older page cache fills the memory',
  async (t) => {
    if (placeFor(t) === null) return;
    const [file, older] = [join(folder, 'of-a-bystander'), join(folder, 'older')];
    writeFileSync(file, Buffer.alloc(128 * MIB, 1));
    writeFileSync(older, Buffer.alloc(600 * MIB, 1));
    const states = ['--state', 'cold', '--memory-state', 'backed', '--loads', '2'];
    const beside = ['--memory-limit', '400MiB', '--pressure', `bystander:${file}`];
    // Charged to the group that reads it.
    await native().evict([older]);
    const samples = await runWithin(t, 900 * MIB, [small, ...states, ...beside], `cat ${older} > /dev/null`);
    if (samples === null) return;
    const loads = samples.filter(({ arm }) => arm.loader === 'mmap-shared');
    t.is(loads.length, 2);
    for (const { outcome, reason, effective } of loads) {
      t.is(outcome, 'ok', reason?.message);
      t.is(effective?.['bystanderCachedBefore'], 128 * MIB);
      t.is(effective?.['bystanderCachedBytes'], 128 * MIB);
    }
  },
);
