/** GGUF version 3 headers; the format is described in native/format/gguf.h. */

const valueTypes = { u16: 2, u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const;

export type HeaderValue =
  | { readonly type: 'u16' | 'u32' | 'i32' | 'f32'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'i32s' | 'f32s'; readonly value: readonly number[] };

export interface HeaderTensor {
  readonly name: string;
  /** Fastest-varying dimension first. */
  readonly shape: readonly number[];
  /** ggml's number of the tensor type. */
  readonly type: number;
  /** From the start of the data section, a multiple of the alignment. */
  readonly offset: number;
}

/** Appends little-endian values to a growing buffer. */
class Writer {
  #buffer = Buffer.alloc(1 << 16);
  #length = 0;

  #grow(bytes: number): number {
    const start = this.#length;
    this.#length += bytes;
    if (this.#length > this.#buffer.length) {
      const larger = Buffer.alloc(2 ** Math.ceil(Math.log2(this.#length)));
      this.#buffer.copy(larger, 0, 0, start);
      this.#buffer = larger;
    }
    return start;
  }

  bytes(data: Buffer): void {
    const start = this.#grow(data.length);
    data.copy(this.#buffer, start);
  }
  u8(value: number): void {
    const start = this.#grow(1);
    this.#buffer.writeUInt8(value, start);
  }
  u16(value: number): void {
    const start = this.#grow(2);
    this.#buffer.writeUInt16LE(value, start);
  }
  u32(value: number): void {
    const start = this.#grow(4);
    this.#buffer.writeUInt32LE(value, start);
  }
  i32(value: number): void {
    const start = this.#grow(4);
    this.#buffer.writeInt32LE(value, start);
  }
  f32(value: number): void {
    const start = this.#grow(4);
    this.#buffer.writeFloatLE(value, start);
  }
  u64(value: number): void {
    const start = this.#grow(8);
    this.#buffer.writeBigUInt64LE(BigInt(value), start);
  }
  text(value: string): void {
    const data = Buffer.from(value, 'utf8');
    this.u64(data.length);
    this.bytes(data);
  }
  value(value: HeaderValue): void {
    switch (value.type) {
      case 'u16':
      case 'u32':
      case 'i32':
      case 'f32':
        this.u32(valueTypes[value.type]);
        this[value.type](value.value);
        break;
      case 'bool':
        this.u32(valueTypes.bool);
        this.u8(value.value ? 1 : 0);
        break;
      case 'string':
        this.u32(valueTypes.string);
        this.text(value.value);
        break;
      case 'strings':
        this.#array(valueTypes.string, value.value, (element) => {
          this.text(element);
        });
        break;
      case 'i32s':
        this.#array(valueTypes.i32, value.value, (element) => {
          this.i32(element);
        });
        break;
      case 'f32s':
        this.#array(valueTypes.f32, value.value, (element) => {
          this.f32(element);
        });
        break;
    }
  }
  #array<T>(elementType: number, elements: readonly T[], write: (element: T) => void): void {
    this.u32(valueTypes.array);
    this.u32(elementType);
    this.u64(elements.length);
    elements.forEach(write);
  }
  /** What was written, with zeros up to a multiple of `alignment`. */
  padded(alignment: number): Buffer {
    const over = this.#length % alignment;
    if (over !== 0) this.#grow(alignment - over);
    return this.#buffer.subarray(0, this.#length);
  }
}

/** A whole header, padded to `alignment` bytes: tensor data follows at once. */
export function writeHeader(
  metadata: readonly (readonly [key: string, value: HeaderValue])[],
  tensors: readonly HeaderTensor[],
  alignment: number,
): Buffer {
  const writer = new Writer();
  writer.bytes(Buffer.from('GGUF', 'latin1'));
  writer.u32(3);
  writer.u64(tensors.length);
  writer.u64(metadata.length);
  for (const [key, value] of metadata) {
    writer.text(key);
    writer.value(value);
  }
  for (const tensor of tensors) {
    writer.text(tensor.name);
    writer.u32(tensor.shape.length);
    for (const dimension of tensor.shape) writer.u64(dimension);
    writer.u32(tensor.type);
    writer.u64(tensor.offset);
  }
  return writer.padded(alignment);
}
