/** Bytes as people read them, wherever they are told: in a report, on standard error, in the reason of a sample. */

const units = [
  { unit: 'GiB', bytes: 2 ** 30, decimals: 2 },
  { unit: 'MiB', bytes: 2 ** 20, decimals: 1 },
  { unit: 'KiB', bytes: 2 ** 10, decimals: 0 },
] as const;

/** Bytes in binary units, as memory is counted; at most 8 characters. */
export function size(bytes: number): string {
  for (const { unit, bytes: one, decimals } of units) {
    const value = bytes / one;
    if (value >= 0.9765625) return `${value.toFixed(value < 9.995 ? decimals : Math.max(0, decimals - 1))} ${unit}`;
  }
  return `${bytes.toFixed(0)} B`;
}

/** Two sizes of which one is too small for the other: to the byte where they would look the same. */
export function sizes(one: number, other: number): readonly [string, string] {
  const [first, second] = [size(one), size(other)];
  return first === second && one !== other ? [`${one} bytes`, `${other} bytes`] : [first, second];
}
