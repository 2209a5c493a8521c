/** Reads `tokenizer.ggml.*` of a model, every value checked. */
import { failWith } from '../failure.js';
import type { ModelInfo, MetadataValue } from '../native.js';

export class TokenizerMetadata {
  /** The model's name in lower case; '' where it has none. */
  readonly modelName: string;
  readonly #values: ReadonlyMap<string, MetadataValue>;
  readonly #path: string;

  /** `model` must have been inspected with `arrays: true`. */
  constructor(model: ModelInfo) {
    this.#values = new Map(model.metadata.map(({ key, value }) => [key, value]));
    this.#path = model.parts[0]?.path ?? '';
    const name = this.#values.get('general.name');
    this.modelName = typeof name === 'string' ? name.toLowerCase() : '';
  }

  malformed(name: string, complaint: string): Error {
    return failWith({
      code: 'malformed',
      operation: 'tokenizer',
      path: this.#path,
      message: `tokenizer.ggml.${name} ${complaint}`,
      remedy: 'convert the model again',
    });
  }

  unsupported(message: string): Error {
    return failWith({
      code: 'unsupported-tokenizer',
      operation: 'tokenizer',
      path: this.#path,
      message,
      remedy: 'feed token ids with: weighbridge logits',
    });
  }

  has(name: string): boolean {
    return this.#values.has(`tokenizer.ggml.${name}`);
  }

  /** null where it is not there. */
  string(name: string): string | null {
    const value = this.#values.get(`tokenizer.ggml.${name}`);
    if (value === undefined) return null;
    if (typeof value !== 'string') throw this.malformed(name, 'is not a string');
    return value;
  }

  #elements(name: string): readonly MetadataValue[] | null {
    const value = this.#values.get(`tokenizer.ggml.${name}`);
    if (value === undefined) return null;
    if (typeof value !== 'object' || value.elements === null) {
      throw this.malformed(name, 'is not an array of usual size');
    }
    return value.elements;
  }

  strings(name: string): string[] {
    const elements = this.#elements(name);
    if (elements === null || elements.length === 0) throw this.malformed(name, 'is not there');
    return elements.map((element) => {
      if (typeof element !== 'string') throw this.malformed(name, 'is not an array of strings');
      return element;
    });
  }

  /** One number a token; more than `count` are left out. */
  numbers(name: string, count: number, otherwise: number): number[] {
    const elements = this.#elements(name);
    if (elements === null) return Array.from({ length: count }, () => otherwise);
    if (elements.length < count) throw this.malformed(name, `is not an array of ${count} numbers, one a token`);
    return elements.slice(0, count).map((element) => {
      if (typeof element !== 'number' || Number.isNaN(element)) {
        throw this.malformed(name, 'is not an array of numbers');
      }
      return element;
    });
  }

  /** An id that names no token counts as not given; null where `otherwise` names none either. */
  tokenId(name: string, otherwise: number | null, size: number): number | null {
    const value = this.#values.get(`tokenizer.ggml.${name}`) ?? otherwise;
    if (value === null) return null;
    if (typeof value !== 'number' || !Number.isInteger(value)) throw this.malformed(name, 'is not a token id');
    if (value >= 0 && value < size) return value;
    return otherwise !== null && otherwise < size ? otherwise : null;
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.#values.get(`tokenizer.ggml.${name}`) ?? otherwise;
    if (typeof value !== 'boolean') throw this.malformed(name, 'is not true or false');
    return value;
  }
}
