/** A benchmark of the kernel as charts: decoding against the memory ceiling, and the roofline of both kinds of work. */
import { median } from '../statistics/order.js';
import type { Description } from '../statistics/summary-types.js';
import { rangeText } from './chart-view.js';
import { counted, duration, gigabytes, percent, significant } from './format.js';
import { benchRows, ceilingRows, type BenchRow, type CeilingRow, type KernelBench } from './kernel-bench.js';
import { machineLine } from './notes.js';
import type { Chart, Datum } from './page-types.js';

export function kernelCharts(bench: KernelBench): readonly Chart[] {
  const rows = benchRows(bench);
  const ceilings = ceilingRows(bench);
  return [decodeChart(bench, rows, ceilings), rooflineChart(bench, rows, ceilings)];
}

function frameOf({ machine, shape, rounds }: KernelBench, id: string) {
  return {
    id,
    title: `${shape} · ${machineLine({ ...machine })}`,
    note: `Medians and ranges of ${counted(rounds, 'round')}; each measurement is a process of its own, the model in the page cache.`,
    places: [],
  };
}

const giga = (perSecond: number): number => perSecond / 1e9;
const spread = ({ median: middle, min, max }: Description): { value: number; low: number; high: number } => ({
  value: giga(middle),
  low: giga(min),
  high: giga(max),
});

function decodeChart(bench: KernelBench, rows: readonly BenchRow[], ceilings: readonly CeilingRow[]): Chart {
  const nameOf = ({ type, threads }: CeilingRow | BenchRow): string => `${type} · ${counted(threads, 'thread')}`;
  const names = [...new Set(rows.map(nameOf))];
  const data = names.flatMap((loader, order): readonly Datum[] => {
    const own = rows.filter((row) => nameOf(row) === loader);
    const ceiling = ceilings.find((row) => nameOf(row) === loader);
    const best = own
      .flatMap(({ decode }) => decode ?? [])
      .toSorted((a, b) => b.bytesPerSecond.median - a.bytesPerSecond.median)[0];
    const share = best?.ofCeiling == null ? '' : `  ${percent(best.ofCeiling.median)}`;
    const text = best === undefined ? '' : gigabytes(best.bytesPerSecond.median);
    return [
      {
        ...{ part: 'row', loader, order, tip: loader },
        ...{ note: best === undefined ? '' : `${text} GB/s${share}`, short: `${text}${share}` },
      },
      ...(ceiling === undefined
        ? []
        : [
            {
              ...{ part: 'ceiling', loader, order, ...spread(ceiling.bytesPerSecond) },
              tip: `${loader}\nCeiling ${rangeText(ceiling.bytesPerSecond, gigabytes)} GB/s`,
            },
          ]),
      ...own.flatMap(({ isa, decode }): readonly Datum[] =>
        decode === null
          ? []
          : [
              {
                ...{ part: 'decode', loader, order, isa, ...spread(decode.bytesPerSecond) },
                tip: `${loader} · ${isa}\n${rangeText(decode.bytesPerSecond, gigabytes)} GB/s\n${rangeText(decode.ofCeiling, percent)} of the ceiling\n${rangeText(decode.tokensPerSecond, significant)} tokens/s`,
              },
            ],
      ),
    ];
  });
  return {
    ...frameOf(bench, 'kerneldecode'),
    ...{ kind: 'kernel-decode', unit: 'GB/s', data },
    table: {
      head: ['Weights', 'Instruction set', 'GB/s', 'Of the ceiling', 'Tokens/s', 'First token'],
      rows: rows.flatMap((row) =>
        row.decode === null
          ? []
          : [
              [
                ...[nameOf(row), row.isa, rangeText(row.decode.bytesPerSecond, gigabytes)],
                ...[rangeText(row.decode.ofCeiling, percent), rangeText(row.decode.tokensPerSecond, significant)],
                rangeText(row.decode.firstTokenNs, duration),
              ],
            ],
      ),
    },
  };
}

interface Point {
  readonly row: BenchRow;
  readonly work: string;
  readonly flopsPerByte: number;
  readonly flopsPerSecond: Description;
}

function pointsOf(bench: KernelBench, row: BenchRow): readonly Point[] {
  const model = bench.models.find(({ type }) => type === row.type);
  const flops = model === undefined ? 0 : 2 * (model.layerWeights + model.outputWeights);
  const { decode, prefill } = row;
  const times = (rate: Description): Description => {
    const values = rate.values.map((value) => value * flops);
    return { n: rate.n, median: rate.median * flops, min: rate.min * flops, max: rate.max * flops, values };
  };
  return [
    ...(decode === null
      ? []
      : [{ row, work: 'decode', flopsPerByte: decode.flopsPerByte, flopsPerSecond: times(decode.tokensPerSecond) }]),
    ...prefill.map((fed) => ({ row, work: `prefill ${fed.prompt}`, ...fed })),
  ];
}

/** Beyond the fastest point, so far that its mark stays below. */
const HEADROOM = 1.6;

function rooflineChart(bench: KernelBench, rows: readonly BenchRow[], ceilings: readonly CeilingRow[]): Chart {
  const points = rows.flatMap((row) => pointsOf(bench, row));
  const most = Math.max(...rows.map(({ threads }) => threads));
  const top = HEADROOM * Math.max(...points.map(({ flopsPerSecond }) => flopsPerSecond.max));
  const least = Math.min(...points.map(({ flopsPerByte }) => flopsPerByte)) / HEADROOM;
  const roofs = [...new Set(ceilings.map(({ threads }) => threads))]
    .map((threads) => {
      const own = ceilings.filter((row) => row.threads === threads);
      return { threads, roof: median(own.map((row) => row.bytesPerSecond.median)) };
    })
    .toSorted((a, b) => b.roof - a.roof);
  const data = [
    ...roofs.flatMap(({ threads, roof }, index): readonly Datum[] => {
      const label = `${counted(threads, 'thread')}: ${gigabytes(roof)} GB/s`;
      const tip = `What memory allows ${counted(threads, 'thread')}: ${gigabytes(roof)} GB/s, the median of all types`;
      const end = { intensity: top / roof, value: giga(top) };
      return [
        { part: 'roof', loader: null, order: -1, threads, intensity: least, value: giga(least * roof), tip },
        { part: 'roof', loader: null, order: -1, threads, ...end, tip },
        // The leftmost line has its text at its left, the others, one below the other, at their right.
        {
          ...{ part: 'roof label', loader: null, order: -1, ...end, label, tip },
          ...{ side: index === 0 ? 'right' : 'left', line: Math.max(0, index - 1) },
        },
      ];
    }),
    ...points.flatMap(({ row: { type, isa, threads }, work, flopsPerByte, flopsPerSecond }): readonly Datum[] => {
      const own = { loader: null, order: 0, intensity: flopsPerByte, ...spread(flopsPerSecond) };
      const tip = `${type} · ${isa} · ${counted(threads, 'thread')} · ${work}\n${rangeText(flopsPerSecond, gigabytes)} GFLOP/s at ${significant(flopsPerByte)} FLOP/byte`;
      const rivals = points.filter((point) => point.work === work && point.row.type === type);
      const isBest = rivals.every((point) => point.flopsPerSecond.median <= flopsPerSecond.median);
      return [
        { part: 'point', ...own, isa, work, few: threads < most, tip },
        ...(isBest ? [{ part: 'name', ...own, label: type, tip }] : []),
      ];
    }),
  ];
  return {
    ...frameOf(bench, 'kernelroofline'),
    ...{ kind: 'kernel-roofline', unit: 'GFLOP/s', data },
    table: {
      head: ['Weights', 'Instruction set', 'Threads', 'Work', 'FLOP/byte', 'GFLOP/s'],
      rows: points.map(({ row: { type, isa, threads }, work, flopsPerByte, flopsPerSecond }) => [
        ...[type, isa, String(threads), work, significant(flopsPerByte), rangeText(flopsPerSecond, gigabytes)],
      ]),
    },
  };
}
