/** The discard bounds: every tensor byte is read, none is kept, and nobody takes them for loaders. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { native } from '../../src/native.js';
import type { RunRecord, Sample } from '../../src/samples/record.js';
import { weighbridge } from '../command.js';
import { copyOfFixture, fixture, removeFolder, scratchFolder } from '../processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

test.serial('both bounds read every tensor byte, in blocks, and give neither logits nor a first token', async (t) => {
  const model = copyOfFixture('tiny-F16.gguf', folder);
  const { code, stdout, stderr } = await weighbridge([
    ...['run', model, '--loader', 'read,stream-discard,stream-discard-direct', '--state', 'cold', '--rounds', '1'],
    ...['--memory-state', 'as-is', '--memory-rounds', '0', '--prompt', '2', '--generate', '2', '--threads', '2'],
    ...['--out', join(folder, 'run'), '--lock-wait', '1100', '--json'],
  ]);
  const { run, samples } = JSON.parse(stdout) as { readonly run: RunRecord; readonly samples: readonly Sample[] };
  const tensorBytes = Object.values(run.models)[0]?.tensorBytes ?? Infinity;
  const bounds = samples.filter(({ arm }) => arm.loader.startsWith('stream-discard'));
  t.is(bounds.length, 2);
  for (const bound of bounds) {
    const name = bound.arm.loader;
    t.is(run.arms[bound.arm.id]?.kind, 'bound', name);
    if (bound.outcome === 'unsupported') {
      t.log(`skipped: ${name} is unsupported here: ${bound.reason.message}`);
      continue;
    }
    t.is(bound.outcome, 'ok', JSON.stringify(bound.reason));
    t.is(bound.logitsHash, null, name);
    t.is(bound.tokens, null, name);
    t.true(Number(bound.effective?.['bytesRead']) >= tensorBytes, name);
  }
  if (bounds.every(({ outcome }) => outcome === 'ok')) t.is(code, 0, stderr);
});

test('direct reads of what lies in memory are unsupported, buffered ones are not', async (t) => {
  const memory = await mkdtemp('/dev/shm/weighbridge-discard-').catch(() => null);
  if (memory === null) {
    t.log('skipped: /dev/shm cannot be written here');
    t.pass();
    return;
  }
  t.teardown(() => rm(memory, { recursive: true, force: true }));
  const path = copyOfFixture('tiny-Q4_0.gguf', memory);
  if (native().fileFacts(path).fileSystem !== 'tmpfs') {
    t.log('skipped: /dev/shm is no tmpfs here');
  } else {
    t.is(native().unsupported('discard', [path], { direct: true })?.code, 'direct-io-unsupported');
  }
  t.is(native().unsupported('discard', [path], { direct: false }), null);
});

test('options that cannot be are refused', (t) => {
  const path = fixture('tiny-Q4_0.gguf');
  for (const options of [{ chunkBytes: 1000 }, { chunkBytes: 0 }, { threads: 0 }, { direct: 'yes' }, { depth: 3 }]) {
    t.throws(() => native().unsupported('discard', [path], { direct: false, ...options }), { code: 'bad-option' });
  }
});

test('no model runs on weights that were not kept', async (t) => {
  const { code, stderr } = await weighbridge(['generate', fixture('tiny-Q4_0.gguf'), '--loader', 'stream-discard']);
  t.is(code, 2);
  t.regex(stderr, /stream-discard keeps no weights/);
});
