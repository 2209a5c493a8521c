/** A sound GGUF file that the kernel does not run, and that has no vocabulary. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeHeader, type HeaderTensor } from '../src/synthetic/gguf-writer.js';

const ALIGNMENT = 32;
const [F32, F16, IQ2_XXS, I8] = [0, 1, 16, 24];

/** With the bytes that ggml gives them; IQ2_XXS, which the kernel lacks, has blocks of 256 elements in 66 bytes. */
const TENSORS = [
  { name: 'enc.0.proj.weight', shape: [256, 700], type: F16, bytes: 2 * 256 * 700 },
  { name: 'odd.bias', shape: [7], type: F32, bytes: 4 * 7 },
  { name: 'blk.0.mix.weight', shape: [256, 1001], type: IQ2_XXS, bytes: 66 * 1001 },
  { name: 'codes', shape: [131], type: I8, bytes: 131 },
] as const;

export const foreignBytes = TENSORS.reduce((sum, { bytes }) => sum + bytes, 0);

/** Returns its path. */
export function writeForeignModel(folder: string): string {
  let end = 0;
  const tensors = TENSORS.map(({ name, shape, type, bytes }): HeaderTensor => {
    const offset = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    end = offset + bytes;
    return { name, shape, type, offset };
  });
  const data = Buffer.alloc(Math.ceil(end / ALIGNMENT) * ALIGNMENT);
  for (let at = 0, seed = 1; at < data.length; at++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    data[at] = seed >>> 24;
  }
  const metadata = [['general.architecture', { type: 'string', value: 'moose' }]] as const;
  const path = join(folder, 'moose.gguf');
  writeFileSync(path, Buffer.concat([writeHeader(metadata, tensors, ALIGNMENT), data]));
  return path;
}
