import { realpathSync } from 'node:fs';
import test from 'ava';
import { bytesOf, dimensionsOf, type DimensionArguments } from '../../src/commands/dimensions.js';
import { fixture } from '../processes.js';

const asked = (args: Partial<DimensionArguments>): ReturnType<typeof dimensionsOf> =>
  dimensionsOf({
    ...{ loads: '1', processes: undefined, memoryLimit: undefined, threads: undefined, loadThreads: undefined },
    ...{ context: undefined, numa: undefined, pressure: undefined },
    ...args,
  });

test('sizes are bytes with decimal and binary units', (t) => {
  const sizes = [
    ...([['4096', 4096] as const, ['600MB', 600e6] as const, ['2GiB', 2 ** 31] as const] as const),
    ...([['1.5 gib', 1.5 * 2 ** 30] as const, ['1kB', 1000] as const, ['1KiB', 1024] as const] as const),
  ];
  for (const [text, bytes] of sizes) t.is(bytesOf(text), bytes, text);
  for (const text of ['', '0', '-1', 'GiB', '1 parsec', '1e9', '1,5GiB', '9999999TiB']) t.is(bytesOf(text), null, text);
});

test('lists are distinct, in their order, and none is one of them', (t) => {
  const { processes, memoryLimits, numa, pressure } = asked({
    processes: '4, 1,4',
    memoryLimit: 'none,60%,2GiB',
    numa: '1,none',
    pressure: '1GiB,none',
  });
  t.deepEqual(processes, [4, 1]);
  t.deepEqual(memoryLimits, [
    null,
    { kind: 'percent', text: '60%', percent: 60 },
    { kind: 'bytes', text: '2GiB', bytes: 2 ** 31 },
  ]);
  t.deepEqual(numa, [1, null]);
  t.deepEqual(pressure, [{ kind: 'memory', bytes: 2 ** 30, path: null }, null]);
});

test('two texts of one value are one: nothing is weighed twice', (t) => {
  t.deepEqual(asked({ pressure: '4GiB, 4096MiB,none' }).pressure, [
    { kind: 'memory', bytes: 2 ** 32, path: null },
    null,
  ]);
  t.deepEqual(asked({ numa: '1,01,0' }).numa, [1, 0]);
});

test('a part of the model is 60% or 0.6; bytes are told by their unit, or by how many they are', (t) => {
  const { memoryLimits } = asked({ memoryLimit: '0.6,60%,150%,60B,268435456' });
  t.deepEqual(memoryLimits, [
    { kind: 'percent', text: '60%', percent: 60 },
    { kind: 'percent', text: '150%', percent: 150 },
    { kind: 'bytes', text: '60B', bytes: 60 },
    { kind: 'bytes', text: '268435456', bytes: 2 ** 28 },
  ]);
});

test('a stream of pressure is a file, with its size', (t) => {
  const path = fixture('tiny-Q4_0.gguf');
  const [stream] = asked({ pressure: `stream:${path}` }).pressure ?? [];
  t.is(stream?.path, path);
  t.true((stream?.bytes ?? 0) > 1000);
});

test('a bystander is the file that it has cached, behind all links', (t) => {
  const path = fixture('tiny-Q4_0.gguf');
  t.like(asked({ pressure: `bystander:${path}` }).pressure?.[0], { kind: 'bystander', path: realpathSync(path) });
});

const bad: readonly (readonly [Partial<DimensionArguments>, RegExp])[] = [
  [{ loads: '0' }, /^--loads must be a whole number from 1/],
  [{ processes: '2,many' }, /^--processes must be a whole number .*"many"/],
  [{ processes: '0' }, /^--processes/],
  [{ threads: '1,' }, /^--threads/],
  [{ loadThreads: '1.5' }, /^--load-threads/],
  [{ context: '512,0' }, /^--context/],
  [{ numa: '-1' }, /^--numa/],
  [{ memoryLimit: '60 percent' }, /^--memory-limit takes sizes .*"60 percent"/],
  [{ memoryLimit: '0%' }, /^--memory-limit must be above 0 %, not "0%"$/],
  [{ memoryLimit: '60' }, /^--memory-limit 60 would be 60 bytes; write 60% of the model, 60MiB or 60GiB$/],
  [{ memoryLimit: '2GiB,4096' }, /^--memory-limit 4096 would be 4096 bytes/],
  [{ pressure: '512' }, /^--pressure 512 would be 512 bytes; write 512MiB or 512GiB$/],
  [{ pressure: 'hard' }, /^--pressure takes sizes .*"hard"/],
  [{ pressure: 'stream:/nowhere/at/all' }, /no such file/],
  [{ pressure: 'stream:/proc' }, /not a file/],
  [{ pressure: 'bystander:/nowhere/at/all' }, /no such file/],
];

for (const [args, message] of bad) {
  test(`${Object.entries(args).flat().join(' ')} is one clear line`, (t) => {
    const error = t.throws(() => asked(args), { name: 'UsageError', message });
    t.false(error.message.includes('\n'));
  });
}
