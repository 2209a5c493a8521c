/** Small GGUF files of a test's own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reasonOf } from '../../src/failure.js';
import { native, type ModelInfo } from '../../src/native.js';
import type { Reason } from '../../src/samples/record.js';
import { writeHeader, type HeaderTensor, type HeaderValue } from '../../src/synthetic/gguf-writer.js';

export const alignment = 32;
export type Metadata = readonly (readonly [string, HeaderValue])[];

export const sound: { readonly metadata: Metadata; readonly tensors: readonly HeaderTensor[] } = {
  metadata: [
    ['general.architecture', { type: 'string', value: 'llama' }],
    ['general.alignment', { type: 'u32', value: alignment }],
    ['a.list', { type: 'i32s', value: [1, -2, 3] }],
    ['a.words', { type: 'strings', value: ['one', 'two'] }],
    ['a.flag', { type: 'bool', value: true }],
  ],
  // 8 rows of F32, then 2 blocks of Q8_0: 128 and 68 bytes.
  tensors: [
    { name: 'first.weight', shape: [4, 8], type: 0, offset: 0 },
    { name: 'second.weight', shape: [32, 2], type: 8, offset: 128 },
  ],
};

/** Bytes of tensor data of `sound`, with padding. */
export const soundData = 224;

export function fileOf(metadata: Metadata, tensors: readonly HeaderTensor[], dataBytes = soundData): Buffer {
  return Buffer.concat([writeHeader(metadata, tensors, alignment), Buffer.alloc(dataBytes, 1)]);
}

/** Where `text` begins in `bytes`, as the length before it does: 8 bytes earlier. */
export function stringAt(bytes: Buffer, text: string): number {
  return bytes.indexOf(text, 0, 'utf8') - 8;
}

export function write(folder: string, name: string, bytes: Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** What inspecting gives: the model, or the reason why it cannot be read. Errors without a reason are thrown. */
export function tryInspect(path: string, arrays = false): ModelInfo | Reason {
  try {
    return native().inspect(path, { arrays, digest: arrays });
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === null) throw error;
    return reason;
  }
}

export const isReason = (result: ModelInfo | Reason): result is Reason => 'code' in result;
