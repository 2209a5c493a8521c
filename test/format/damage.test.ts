import {
  closeSync,
  copyFileSync,
  ftruncateSync,
  openSync,
  readSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { fixture, removeFolder, scratchFolder } from '../processes.js';
import { isReason, tryInspect } from './gguf-file.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

const name = 'tiny-Q4_0.gguf';
const headerBytes = 12896;
const fileBytes = 829024;
/** What a parser may take for a file of this size, next to what the runtime takes anyway. */
const memoryAllowed = 200 << 20;

/** The vocabulary, which is most of the header, is more of the same. */
const stride = (at: number): number => (at < 1000 || at > headerBytes - 1500 ? 1 : 7);

/** Bad counts must be refused before memory is taken for them. ru_maxrss is in kilobytes; see getrusage(2). */
function peakMemory(): number {
  return process.resourceUsage().maxRSS * 1024;
}

test('a file cut anywhere is refused, and says where it ends', (t) => {
  const path = join(folder, `cut-${name}`);
  copyFileSync(fixture(name), path);
  const file = openSync(path, 'r+');
  const ends = [fileBytes - 1, fileBytes / 2];
  for (let end = headerBytes; end > 0; end -= end > 1000 ? 7 : 1) ends.push(end);
  const codes = new Set<string>();
  for (const end of ends) {
    ftruncateSync(file, end);
    const result = tryInspect(path, end % 2 === 0);
    if (!isReason(result)) {
      t.fail(`accepted when cut at ${end}`);
      break;
    }
    codes.add(result.code);
    if (typeof result.offset !== 'number' || result.offset > end) {
      t.fail(`cut at ${end}: offset ${result.offset ?? 'none'}`);
      break;
    }
  }
  closeSync(file);
  t.deepEqual([...codes].sort(), ['not-gguf', 'truncated']);
});

test('a header with any byte changed is read within the file or refused with a code', (t) => {
  const path = join(folder, `changed-${name}`);
  copyFileSync(fixture(name), path);
  const file = openSync(path, 'r+');
  const header = Buffer.alloc(headerBytes);
  readSync(file, header, 0, headerBytes, 0);
  const known = new Set([
    'malformed',
    'missing-part',
    'not-gguf',
    'truncated',
    'unsupported-type',
    'unsupported-version',
  ]);
  const before = peakMemory();
  let refused = 0;
  for (let at = 0; at < headerBytes; at += stride(at)) {
    const original = header.readUInt8(at);
    for (const changed of [original ^ 1, original ^ 0x80, 0xff]) {
      writeSync(file, Buffer.from([changed]), 0, 1, at);
      const result = tryInspect(path, at % 2 === 0);
      if (isReason(result)) {
        refused += 1;
        if (!known.has(result.code)) t.fail(`byte ${at} as ${changed}: ${result.code}`);
      } else if (result.tensors.some(({ offset, bytes }) => offset + bytes > fileBytes)) {
        t.fail(`byte ${at} as ${changed}: a tensor outside of the file`);
      }
    }
    writeSync(file, Buffer.from([original]), 0, 1, at);
  }
  closeSync(file);
  t.true(refused > 1000, `${refused} refused`);
  t.true(peakMemory() - before < memoryAllowed);
});

function word(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

/** A sparse file: `head`, then zeros up to `bytes`. */
function sparse(fileName: string, head: Buffer, bytes: number): string {
  const path = join(folder, fileName);
  writeFileSync(path, head);
  truncateSync(path, bytes);
  return path;
}

/** A header of one metadata entry "k", up to its value. */
function entry(type: number, ...rest: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(24 + 9 + 4);
  bytes.write('GGUF');
  bytes.writeUInt32LE(3, 4);
  bytes.writeBigUInt64LE(1n, 16);
  bytes.writeBigUInt64LE(1n, 24);
  bytes.write('k', 32);
  bytes.writeUInt32LE(type, 33);
  return Buffer.concat([bytes, ...rest.map(word)]);
}

const [typeString, typeArray] = [8, 9];
const elementType = (type: number): Buffer => Buffer.from([type, 0, 0, 0]);
const gibibyte = 2 ** 30;

test('a sparse file of any size is refused within seconds and without its memory', (t) => {
  const emptyStrings = Buffer.concat([entry(typeArray), elementType(typeString), word(2n ** 32n)]);
  const smallArrays = Buffer.concat([entry(typeArray), elementType(typeArray), word(2n ** 31n)]);
  const paths = [
    sparse('empty-strings.gguf', emptyStrings, 64 * gibibyte),
    sparse('small-arrays.gguf', smallArrays, 64 * gibibyte),
    sparse('long-string.gguf', entry(typeString, 8n * BigInt(gibibyte)), 64 * gibibyte),
    sparse('string-of-100-mib.gguf', entry(typeString, 100n << 20n), gibibyte),
  ];
  const before = peakMemory();
  for (const path of paths) {
    for (const arrays of path.includes('100-mib') ? [false] : [false, true]) {
      const begun = performance.now();
      const result = tryInspect(path, arrays);
      t.is(isReason(result) ? result.code : 'accepted', 'malformed', path);
      t.true(performance.now() - begun < 10_000, path);
    }
  }
  t.true(peakMemory() - before < 2 * (256 << 20), `${peakMemory() - before} bytes`);
});

test("thousands of small arrays are refused once they take more memory than any model's", (t) => {
  // Arrays of 1000 bytes each are kept, every element as a value of its own.
  const count = 3000;
  const head = Buffer.from(entry(0).subarray(0, 24));
  head.writeBigUInt64LE(BigInt(count), 16);
  const entries = Array.from({ length: count }, (_, index) => {
    const key = `key.${index}`;
    const type = Buffer.concat([elementType(typeArray), elementType(0)]);
    return Buffer.concat([word(BigInt(key.length)), Buffer.from(key), type, word(1000n), Buffer.alloc(1000)]);
  });
  const path = join(folder, 'many-arrays.gguf');
  writeFileSync(path, Buffer.concat([head, ...entries, Buffer.alloc(64)]));
  const result = tryInspect(path);
  t.true(isReason(result) && result.code === 'malformed' && /memory/.test(result.message));
});

test('impossible 64-bit numbers anywhere in a header take no memory', (t) => {
  const path = join(folder, `counts-${name}`);
  copyFileSync(fixture(name), path);
  const file = openSync(path, 'r+');
  const header = Buffer.alloc(headerBytes);
  readSync(file, header, 0, headerBytes, 0);
  const before = peakMemory();
  for (const value of [2n ** 64n - 1n, 2n ** 63n, 2n ** 32n, BigInt(fileBytes / 8)]) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(value);
    for (let at = 8; at + 8 <= headerBytes; at += 3 * stride(at)) {
      writeSync(file, bytes, 0, 8, at);
      tryInspect(path, true);
      writeSync(file, header, at, 8, at);
    }
  }
  closeSync(file);
  t.true(peakMemory() - before < memoryAllowed, `${peakMemory() - before} bytes`);
});
