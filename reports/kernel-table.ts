/** A benchmark of the kernel for a terminal: 80 columns. */
import type { BenchRow, CeilingRow, PrefillFigures } from '../src/report/kernel-bench.js';
import { GAP, none } from './columns.js';
import { padEnd, padStart, textWidth } from './text-layout.js';

export interface KernelFigures {
  readonly rows: readonly BenchRow[];
  readonly ceilings: readonly CeilingRow[];
  readonly prompts: readonly number[];
}

type Line = readonly string[];
type Figure = PrefillFigures['tokensPerSecond'];

const DECODE = ['type', 'isa', 'thr', 'tok/s', 'GB/s', '% of ceiling', 'first token ms'];
const PREFILL = ['type', 'isa', 'thr', 'tok/s', 'GFLOP/s'];
/** Columns of words: the others are of numbers, which end together. */
const WORDS = 2;

export function kernelTable({ rows, ceilings, prompts }: KernelFigures): string {
  const decode = rows.flatMap((row, index): readonly Line[] => {
    const next = rows[index + 1];
    const isLast = next?.type !== row.type || next.threads !== row.threads;
    const ceiling = ceilings.find(({ type, threads }) => type === row.type && threads === row.threads);
    return [
      ...(row.decode === null ? [] : [decodeLine(row, row.decode)]),
      ...(isLast && ceiling !== undefined ? [ceilingLine(ceiling)] : []),
    ];
  });
  const prefill = prompts.map((prompt) => {
    const lines = rows.flatMap(({ type, isa, threads, prefill: fed }): readonly Line[] =>
      fed
        .filter((figures) => figures.prompt === prompt)
        .map((figures) => [
          ...[type, isa, String(threads)],
          ...[ranged(figures.tokensPerSecond, rounded), ranged(figures.flopsPerSecond, billions)],
        ]),
    );
    return `Prefill of ${prompt} tokens\n${table([PREFILL, ...lines])}`;
  });
  return [
    `Decode from an empty cache, and first token of a warm start\n${table([DECODE, ...decode])}`,
    ...prefill,
  ].join('\n');
}

function decodeLine({ type, isa, threads }: BenchRow, decode: NonNullable<BenchRow['decode']>): Line {
  return [
    ...[type, isa, String(threads), rounded(decode.tokensPerSecond.median), ranged(decode.bytesPerSecond, billions)],
    ...[decode.ofCeiling === null ? none : ranged(decode.ofCeiling, percent), ranged(decode.firstTokenNs, millis)],
  ];
}

function ceilingLine({ type, threads, bytesPerSecond }: CeilingRow): Line {
  return [type, 'ceiling', String(threads), none, ranged(bytesPerSecond, billions), none, none];
}

/** "12.3 (11.9–12.8)" */
function ranged({ n, median, min, max }: Figure, text: (value: number) => string): string {
  return n === 1 ? text(median) : `${text(median)} (${text(min)}–${text(max)})`;
}

function rounded(value: number): string {
  return value < 9.95 ? value.toFixed(1) : value.toFixed(0);
}

const billions = (value: number): string => (value < 99.95e9 ? (value / 1e9).toFixed(1) : (value / 1e9).toFixed(0));
const millis = (ns: number): string => rounded(ns / 1e6);
const percent = (share: number): string => (100 * share).toFixed(0);

function table(lines: readonly Line[]): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => textWidth(line[column] ?? ''))));
  const pad = (cell: string, column: number): string => (column < WORDS ? padEnd : padStart)(cell, widths[column] ?? 0);
  return lines.map((line) => `${line.map(pad).join(GAP).trimEnd()}\n`).join('');
}
