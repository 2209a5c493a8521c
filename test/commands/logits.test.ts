import test from 'ava';
import { weighbridge } from '../command.js';
import { fixture, removeFolder, scratchFolder } from '../processes.js';
import { writeUnsupportedType } from '../unsupported-type.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

interface Logits {
  readonly tokens: readonly number[];
  readonly n_vocab: number;
  readonly logits: readonly (readonly number[])[];
}

const model = fixture('tiny-Q8_0.gguf');

async function logits(...args: readonly string[]): Promise<Logits> {
  return JSON.parse((await weighbridge(['logits', model, '--json', ...args])).stdout) as Logits;
}

test('logits prints a row of the vocabulary for every position, exactly', async (t) => {
  const result = await logits('--tokens', '1,2,3');
  t.deepEqual(result.tokens, [1, 2, 3]);
  t.is(result.n_vocab, 512);
  t.deepEqual(
    result.logits.map((row) => row.length),
    [512, 512, 512],
  );
  const spread = Math.max(...result.logits[2]!) - Math.min(...result.logits[2]!);
  t.true(spread > 1 && spread < 100);
  // A position depends on those before it and on no later one.
  t.deepEqual((await logits('--tokens', '1,2')).logits, result.logits.slice(0, 2));
});

test('every loader and number of threads gives the same logits', async (t) => {
  const reference = await logits('--tokens', '1,5');
  t.deepEqual(await logits('--tokens', '1,5', '--loader', 'read'), reference);
  t.deepEqual(await logits('--tokens', '1,5', '--threads', '3'), reference);
});

test('without --json the likeliest next tokens are shown', async (t) => {
  const { code, stdout } = await weighbridge(['logits', model, '--tokens', '1']);
  const row = (await logits('--tokens', '1')).logits[0]!;
  t.is(code, 0);
  t.true(stdout.startsWith(`position 0, token 1: ${row.indexOf(Math.max(...row))} (`));
});

test('bad arguments are one line and exit code 2', async (t) => {
  const bad = [
    [model, '--tokens', '1,x'],
    [model, '--tokens', ''],
    [model, '--tokens', '1,512'],
    [model, '--tokens', '-1'],
    [model, '--tokens', '1.5'],
    [model, '--tokens', '1', '--threads', '0'],
    [model, '--tokens', '1', '--loader', 'nope'],
    [model, '--tokens', '1', '--loader', 'null'],
    [model, '--tokens', '1', '--isa', 'nope'],
    [writeUnsupportedType(folder), '--tokens', '1'],
    ['/absent.gguf', '--tokens', '1'],
  ];
  for (const args of bad) {
    const { code, stdout, stderr } = await weighbridge(['logits', ...args]);
    t.is(code, 2, args.join(' '));
    t.is(stdout, '');
    t.regex(stderr, /^weighbridge: [^\n]+\n$/, args.join(' '));
  }
});
