/** Models of unusual make, made from the small ones of the fixtures. */
import { closeSync, openSync, readFileSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { native } from '../../src/native.js';
import { generateModel } from '../../src/synthetic/synthesize-model.js';
import { copyOfFixture, fixture } from '../processes.js';

/** One page of memory, and the largest unit in which direct reads are made on common disks. */
const PAGE = 4096;

/** Bytes behind the last tensor, as a download that was resumed once too often leaves them. */
export function withTrailingBytes(folder: string): string {
  const path = copyOfFixture('tiny-F16.gguf', folder);
  writeFileSync(path, Buffer.alloc(5000, 0xa5), { flag: 'a' });
  return path;
}

/** A run of weights that was never written: a hole, which reads as zeros. */
export function withHole(folder: string): string {
  const path = join(folder, 'hole.gguf');
  const bytes = readFileSync(fixture('tiny-F16.gguf'));
  const [from, to] = [200 * PAGE, 400 * PAGE];
  const file = openSync(path, 'w');
  writeSync(file, bytes, 0, from, 0);
  writeSync(file, bytes, to, bytes.length - to, to);
  closeSync(file);
  return path;
}

/** A header of more than 2 MiB: one more string among its metadata. */
export function withLargeHeader(folder: string): string {
  const path = join(folder, 'large-header.gguf');
  const bytes = readFileSync(fixture('tiny-Q8_0.gguf'));
  const key = Buffer.from('test.filling');
  // A GGUF string is its length, 8 bytes, and its text; a value begins with its type, 4 bytes (8 is a string). What is
  // inserted is a multiple of the alignment, so that all else keeps its place to each other.
  const inserted = 3 * 2 ** 20;
  const value = Buffer.alloc(inserted - (8 + key.length + 4 + 8), 'x');
  const head = Buffer.from(bytes.subarray(0, 24));
  head.writeBigUInt64LE(head.readBigUInt64LE(16) + 1n, 16);
  const length = (of: Buffer): Buffer => {
    const field = Buffer.alloc(8);
    field.writeBigUInt64LE(BigInt(of.length));
    return field;
  };
  const type = Buffer.from([8, 0, 0, 0]);
  writeFileSync(path, Buffer.concat([head, length(key), key, type, length(value), value, bytes.subarray(24)]));
  return path;
}

/** The last tensor ends with the file, in the middle of a sector: what direct reads must fetch with a short one. */
export function withUnalignedEnd(folder: string): string {
  const path = copyOfFixture('tiny-Q4_0.gguf', folder);
  const { tensors } = native().inspect(path, { arrays: false, digest: false });
  const end = Math.max(...tensors.map(({ offset, bytes }) => offset + bytes));
  truncateSync(path, end);
  if (end % 512 === 0) throw new Error(`the last tensor of ${path} ends with a sector`);
  return path;
}

export async function splitModel(folder: string, parts: number): Promise<readonly string[]> {
  const out = join(folder, 'split.gguf');
  const { paths } = await generateModel({ out, shape: 'tiny', type: 'q8_0', seed: 3, split: parts });
  return paths;
}

/** 512-byte blocks on the disk: fewer than the file's size where it has holes. */
export const blocksOf = (path: string): number => statSync(path).blocks;
