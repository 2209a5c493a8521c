import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { native } from '../../src/native.js';
import { fixture, removeFolder, scratchFolder } from '../processes.js';
import { fileOf, isReason, sound, soundData, stringAt, tryInspect, write } from './gguf-file.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

test('a model is told as it is: metadata, tensors, sizes', (t) => {
  const info = native().inspect(fixture('tiny-Q4_0.gguf'), { arrays: false, digest: true });
  t.is(info.version, 3);
  t.is(info.alignment, 32);
  t.deepEqual(info.parts, [{ path: fixture('tiny-Q4_0.gguf'), bytes: 829024, dataOffset: 12896 }]);
  t.is(info.tensors.length, 21);
  t.deepEqual(info.tensors[0], {
    name: 'output.weight',
    type: 'Q4_0',
    shape: [256, 512],
    part: 0,
    offset: 12896,
    bytes: 73728,
  });
  t.regex(info.headerDigest, /^[0-9a-f]{16}$/);
  const values = new Map(info.metadata.map(({ key, value }) => [key, value]));
  t.is(values.get('llama.attention.head_count_kv'), 2);
  t.deepEqual(values.get('tokenizer.ggml.tokens'), { arrayOf: 'string', count: 512, elements: null });
});

test('arrays are kept when asked for, and the digest does not depend on it', (t) => {
  const path = write(folder, 'arrays.gguf', fileOf(sound.metadata, sound.tensors));
  const without = native().inspect(path, { arrays: false, digest: true });
  const kept = native().inspect(path, { arrays: true, digest: true });
  const valueOf = (info: typeof kept, key: string): unknown => info.metadata.find((entry) => entry.key === key)?.value;
  t.deepEqual(valueOf(kept, 'a.words'), { arrayOf: 'string', count: 2, elements: ['one', 'two'] });
  t.deepEqual(valueOf(without, 'a.words'), { arrayOf: 'string', count: 2, elements: null });
  t.deepEqual(valueOf(without, 'a.list'), { arrayOf: 'int32', count: 3, elements: [1, -2, 3] });
  t.is(valueOf(without, 'a.flag'), true);
  t.is(kept.headerDigest, without.headerDigest);

  const other = fileOf(sound.metadata, sound.tensors);
  other.write('tWo', stringAt(other, 'two') + 8);
  t.not(
    native().inspect(write(folder, 'other.gguf', other), { arrays: false, digest: true }).headerDigest,
    kept.headerDigest,
  );
});

test('reading a header leaves the tensor data out of the page cache', async (t) => {
  const path = join(folder, 'cold.gguf');
  const data = 64 << 20;
  const tensors = [{ name: 'large.weight', shape: [data / 4], type: 0, offset: 0 }];
  write(folder, 'cold.gguf', fileOf(sound.metadata, tensors, data));
  await native().evict([path]);
  const before = native().residency([path]);
  if (before.source === 'none' || before.resident > 0) {
    t.log(`skipped: the file cannot be evicted here (${before.source}, ${before.resident} bytes resident)`);
    t.pass();
    return;
  }
  native().inspect(path, { arrays: true, digest: true });
  const { resident } = native().residency([path]);
  t.true(resident > 0 && resident <= 1 << 20, `${resident} bytes resident`);
});

const integer = (bytes: number, value: bigint): Buffer => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt.asUintN(64, value));
  return buffer.subarray(0, bytes);
};

interface Damage {
  readonly what: string;
  readonly code: string;
  /** Where the fault lies. */
  readonly offset: number | ((bytes: Buffer) => number);
  readonly bytes: () => Buffer;
}

/** The sound file with `value` written over it. */
function patched(at: number | ((bytes: Buffer) => number), value: Buffer): Buffer {
  const bytes = fileOf(sound.metadata, sound.tensors);
  value.copy(bytes, typeof at === 'number' ? at : at(bytes));
  return bytes;
}

// Of a tensor info: name, dimension count u32, dimensions u64…, type u32, offset u64.
const dimensionCount = (bytes: Buffer): number => stringAt(bytes, 'second.weight') + 8 + 'second.weight'.length;
const firstDimension = (bytes: Buffer): number => dimensionCount(bytes) + 4;
const tensorType = (bytes: Buffer): number => dimensionCount(bytes) + 4 + 16;
const tensorOffset = (bytes: Buffer): number => tensorType(bytes) + 4;
const valueType = (bytes: Buffer, key: string): number => stringAt(bytes, key) + 8 + key.length;
const fileEnd = (bytes: Buffer): number => bytes.length;
// The first metadata entry follows magic, version and two counts.
const firstEntry = 24;

const damages: readonly Damage[] = [
  { what: 'another magic', code: 'not-gguf', offset: 0, bytes: () => patched(0, Buffer.from('GGUX')) },
  { what: 'a file of 3 bytes', code: 'not-gguf', offset: 0, bytes: () => Buffer.from('GGU') },
  { what: 'a format before GGUF', code: 'not-gguf', offset: 0, bytes: () => patched(0, Buffer.from('tjgg')) },
  { what: 'a big-endian magic', code: 'unsupported-version', offset: 0, bytes: () => patched(0, Buffer.from('FUGG')) },
  {
    what: 'a big-endian version',
    code: 'unsupported-version',
    offset: 4,
    bytes: () => patched(4, integer(4, 0x03000000n)),
  },
  { what: 'version 1', code: 'unsupported-version', offset: 4, bytes: () => patched(4, integer(4, 1n)) },
  { what: 'version 4', code: 'unsupported-version', offset: 4, bytes: () => patched(4, integer(4, 4n)) },
  { what: 'too many tensors', code: 'truncated', offset: 8, bytes: () => patched(8, integer(8, -1n)) },
  { what: 'too many metadata entries', code: 'truncated', offset: 16, bytes: () => patched(16, integer(8, 1n << 60n)) },
  {
    what: 'a key longer than the file',
    code: 'truncated',
    offset: firstEntry,
    bytes: () => patched(firstEntry, integer(8, -1n)),
  },
  {
    what: 'an unknown metadata type',
    code: 'malformed',
    offset: (bytes) => valueType(bytes, 'a.flag'),
    bytes: () => patched((bytes) => valueType(bytes, 'a.flag'), integer(4, 13n)),
  },
  {
    what: 'a boolean of 2',
    code: 'malformed',
    offset: (bytes) => valueType(bytes, 'a.flag') + 4,
    bytes: () => patched((bytes) => valueType(bytes, 'a.flag') + 4, integer(1, 2n)),
  },
  {
    what: 'an array longer than the file',
    code: 'truncated',
    offset: (bytes) => valueType(bytes, 'a.list') + 8,
    bytes: () => patched((bytes) => valueType(bytes, 'a.list') + 8, integer(8, 1n << 61n)),
  },
  {
    what: 'a string array longer than the file',
    code: 'truncated',
    offset: (bytes) => valueType(bytes, 'a.words') + 8,
    bytes: () => patched((bytes) => valueType(bytes, 'a.words') + 8, integer(8, 1000n)),
  },
  {
    what: 'the same key twice',
    code: 'malformed',
    offset: (bytes) => bytes.lastIndexOf('general.architecture') - 8,
    bytes: () => fileOf([...sound.metadata, sound.metadata[0]!], sound.tensors),
  },
  {
    what: 'an alignment of 24',
    code: 'malformed',
    offset: firstEntry,
    bytes: () => fileOf([['general.alignment', { type: 'u32', value: 24 }]], sound.tensors),
  },
  {
    what: 'an alignment of 0',
    code: 'malformed',
    offset: firstEntry,
    bytes: () => fileOf([['general.alignment', { type: 'u32', value: 0 }]], sound.tensors),
  },
  {
    what: 'no dimension',
    code: 'malformed',
    offset: dimensionCount,
    bytes: () => patched(dimensionCount, integer(4, 0n)),
  },
  {
    what: 'five dimensions',
    code: 'malformed',
    offset: dimensionCount,
    bytes: () => patched(dimensionCount, integer(4, 5n)),
  },
  {
    what: 'a dimension of 0',
    code: 'malformed',
    offset: firstDimension,
    bytes: () => patched(firstDimension, integer(8, 0n)),
  },
  {
    what: 'more than 2^64 elements',
    code: 'malformed',
    offset: (bytes) => firstDimension(bytes) + 8,
    bytes: () => patched(firstDimension, integer(8, 1n << 63n)),
  },
  {
    what: 'a tensor larger than the file',
    code: 'truncated',
    offset: fileEnd,
    bytes: () => patched(firstDimension, integer(8, 1n << 40n)),
  },
  {
    what: 'rows of no whole blocks',
    code: 'malformed',
    offset: firstDimension,
    bytes: () => patched(firstDimension, integer(8, 31n)),
  },
  {
    what: 'an unknown tensor type',
    code: 'unsupported-type',
    offset: tensorType,
    bytes: () => patched(tensorType, integer(4, 4n)),
  },
  {
    what: 'an unaligned tensor',
    code: 'malformed',
    offset: tensorOffset,
    bytes: () => patched(tensorOffset, integer(8, 132n)),
  },
  {
    what: 'overlapping tensors',
    code: 'malformed',
    offset: (bytes) => stringAt(bytes, 'second.weight'),
    bytes: () => patched(tensorOffset, integer(8, 96n)),
  },
  {
    what: 'a gap between tensors',
    code: 'malformed',
    offset: (bytes) => stringAt(bytes, 'second.weight'),
    bytes: () => Buffer.concat([patched(tensorOffset, integer(8, 160n)), Buffer.alloc(32)]),
  },
  {
    what: 'a gap before the first tensor',
    code: 'malformed',
    offset: (bytes) => stringAt(bytes, 'only.weight'),
    bytes: () => fileOf([], [{ name: 'only.weight', shape: [4], type: 0, offset: 32 }]),
  },
  {
    what: 'a tensor past the end',
    code: 'truncated',
    offset: fileEnd,
    bytes: () => patched(tensorOffset, integer(8, 224n)),
  },
  {
    what: 'an offset near 2^64',
    code: 'truncated',
    offset: fileEnd,
    bytes: () => patched(tensorOffset, integer(8, -32n)),
  },
  {
    what: 'the same tensor twice',
    code: 'malformed',
    offset: (bytes) => bytes.lastIndexOf('first.weight') - 8,
    bytes: () => fileOf(sound.metadata, [sound.tensors[0]!, { ...sound.tensors[0]!, offset: 128 }], 2 * soundData),
  },
  {
    what: 'a part beyond the count of parts',
    code: 'malformed',
    offset: firstEntry,
    bytes: () =>
      fileOf(
        [
          ['split.no', { type: 'u16', value: 3 }],
          ['split.count', { type: 'u16', value: 3 }],
        ],
        sound.tensors,
      ),
  },
];

for (const [index, { what, code, offset, bytes }] of damages.entries()) {
  test(`a file with ${what} is ${code}, at the byte where it lies`, (t) => {
    const content = bytes();
    const path = write(folder, `damage-${index}.gguf`, content);
    for (const arrays of [false, true]) {
      const result = tryInspect(path, arrays);
      if (!isReason(result)) {
        t.fail('the file was accepted');
        return;
      }
      t.is(result.code, code, result.message);
      t.is(result.offset, typeof offset === 'number' ? offset : offset(content), result.message);
      t.is(result.path, path);
      t.false(result.message.includes('\n'));
    }
  });
}

test('bytes after the last tensor, and padding between tensors, are no gap', (t) => {
  const tensors = [
    { name: 'first.weight', shape: [1], type: 0, offset: 0 },
    { name: 'second.weight', shape: [1], type: 0, offset: 32 },
  ];
  const info = native().inspect(write(folder, 'padded.gguf', fileOf([], tensors, 4096)), {
    arrays: false,
    digest: false,
  });
  t.deepEqual(
    info.tensors.map(({ offset }) => offset - info.parts[0]!.dataOffset),
    [0, 32],
  );
});

test('synthesizing without a function to report to is refused, and leaves nothing behind', (t) => {
  const file = { path: join(folder, 'none.gguf'), header: Buffer.alloc(32), bytes: 32, tensors: [], seed: 1 };
  const thrown: unknown = t.throws(() => native().synthesize(file, undefined as never), { any: true });
  t.is((thrown as { code?: string }).code, 'bad-option');
  t.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('none')),
    [],
  );
});

test('what is no readable file says so', (t) => {
  mkdirSync(join(folder, 'directory'));
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  const codeOf = (path: string): string => {
    const result = tryInspect(path);
    return isReason(result) ? result.code : 'accepted';
  };
  t.is(codeOf(join(folder, 'absent.gguf')), 'file-missing');
  t.is(codeOf(join(folder, 'directory')), 'not-a-file');
  t.is(codeOf(join(folder, 'fifo')), 'not-a-file');
  t.is(codeOf('/dev/null'), 'not-a-file');
  t.is(codeOf(write(folder, 'empty.gguf', Buffer.alloc(0))), 'file-empty');
  t.is(codeOf(`${fixture('tiny-Q4_0.gguf')}\0.gguf`), 'file-missing');
});
