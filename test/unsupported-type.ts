/** A model that is sound but for a tensor type that the kernel does not compute with. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './command.js';

const F16 = 1;
/** Of the same two bytes an element. */
const I16 = 25;

/** Writes tiny-F16 with token_embd.weight called I16; returns its path. */
export function writeUnsupportedType(folder: string): string {
  const bytes = readFileSync(join(root, 'test/fixtures/models/tiny-F16.gguf'));
  const name = 'token_embd.weight';
  // Name, number of dimensions (32 bits), two sizes (64 bits each), type (32 bits).
  const at = bytes.indexOf(name) + name.length + 4 + 2 * 8;
  if (bytes.readUInt32LE(at) !== F16) throw new Error(`${name} is not F16 at ${at}`);
  bytes.writeUInt32LE(I16, at);
  const path = join(folder, 'unsupported-type.gguf');
  writeFileSync(path, bytes);
  return path;
}
