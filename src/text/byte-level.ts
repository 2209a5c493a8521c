/** The alphabet of byte-level vocabularies: each byte is written as one printable character, as GPT-2 began it. */

const isPrintable = (byte: number): boolean =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;

/** By byte: itself where it is printable, else the next character from U+0100. */
const characters: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    if (isPrintable(byte)) return String.fromCharCode(byte);
    next += 1;
    return String.fromCharCode(next - 1);
  });
})();

const bytes: ReadonlyMap<string, number> = new Map(characters.map((character, byte) => [character, byte]));

export function toByteLevel(text: string): string {
  let written = '';
  for (const byte of Buffer.from(text, 'utf8')) written += characters[byte] as string;
  return written;
}

/** Characters outside of the alphabet stand for themselves. */
export function fromByteLevel(text: string): Buffer {
  const parts = Array.from(text, (character) => {
    const byte = bytes.get(character);
    return byte === undefined ? [...Buffer.from(character, 'utf8')] : [byte];
  });
  return Buffer.from(parts.flat());
}
