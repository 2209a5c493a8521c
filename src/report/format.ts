/** Numbers as people read them. One place, so that every report says the same number the same way. */
import { size } from '../size.js';

export { size };

/** Three significant digits, without exponents: 1.23, 12.3, 123, 1234. */
export function significant(value: number): string {
  if (value < 9.995) return value.toFixed(2);
  return value < 99.95 ? value.toFixed(1) : value.toFixed(0);
}

const durations = [
  { unit: 's', ns: 1e9 },
  { unit: 'ms', ns: 1e6 },
  { unit: 'µs', ns: 1e3 },
] as const;

/** Nanoseconds as s, ms, µs or ns. */
export function duration(ns: number): string {
  for (const { unit, ns: size } of durations) {
    if (ns >= 0.9995 * size) return `${significant(ns / size)} ${unit}`;
  }
  return `${ns.toFixed(0)} ns`;
}

/** A growth or what shrank. */
export function signedSize(bytes: number): string {
  return bytes < 0 ? `−${size(-bytes)}` : size(bytes);
}

/** Bytes per second in GB/s (10^9, as devices are sold), the unit left to the heading. */
export function gigabytes(bytesPerSecond: number): string {
  return significant(bytesPerSecond / 1e9);
}

/** A ratio: finer where it is small, since 0.003 and 0.006 are far apart. */
export function ratio(value: number): string {
  if (value < 0.0005) return '<0.001';
  return value < 0.0995 ? value.toFixed(3) : significant(value);
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)}%`;
}

/** A confidence: 97.9 %; 96.9 %, never rounded up to 100 %. */
export function confidence(value: number): string {
  return `${Math.min(99.9, value * 100).toFixed(1)} %`;
}

export function counted(n: number, noun: string, plural = `${noun}s`): string {
  return `${n} ${n === 1 ? noun : plural}`;
}

/** "a", "a and b", "a, b and c". */
export function enumeration(items: readonly string[]): string {
  const last = items.at(-1);
  return last === undefined ? '' : items.length === 1 ? last : `${items.slice(0, -1).join(', ')} and ${last}`;
}
