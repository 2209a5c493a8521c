/** Turns tokens into text as they come: a character is given out once all of its bytes are there. */
import type { Tokenizer } from './tokenizer.js';

export class StreamDecoder {
  readonly #tokenizer: Tokenizer;
  // ignoreBOM keeps a byte order mark in the text, where it belongs to what the model said.
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #stripSpace: boolean;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
    this.#stripSpace = tokenizer.addsSpacePrefix;
  }

  /** The text that became complete; the space that encoding put in front of the first piece is left out. */
  push(id: number): string {
    let bytes: Buffer = this.#tokenizer.bytes(id);
    if (this.#stripSpace && bytes.length > 0) {
      this.#stripSpace = false;
      if (bytes[0] === 0x20) bytes = bytes.subarray(1);
    }
    return this.#decoder.decode(bytes, { stream: true });
  }

  /** What an incomplete character leaves: U+FFFD, or nothing. */
  end(): string {
    return this.#decoder.decode();
  }
}
