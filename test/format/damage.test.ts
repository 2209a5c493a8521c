import { closeSync, copyFileSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
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
