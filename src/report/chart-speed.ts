/** Latency of the first tokens, tokens per second, and each loader against what the machine can do at all. */
import type { Limit } from '../samples/limit-types.js';
import type { Ledger } from '../samples/record.js';
import { median } from '../statistics/order.js';
import type { Description } from '../statistics/summary-types.js';
import { okOf, rangeText, spanOf, timeUnit, type PlaceView, type Seen } from './chart-view.js';
import { duration, gigabytes, percent, significant, size } from './format.js';
import { gridChart } from './chart-grid.js';
import { limitPlaces } from './chart-limits.js';
import type { Datum, Drawn } from './page-types.js';

/** Later tokens are all alike. */
const FIRST_TOKENS = 8;

export function latencyChart(view: PlaceView): Drawn | null {
  const rows = view.loaders.flatMap((seen) => {
    const each = okOf(seen.timed).flatMap(({ tokens }) => (tokens === null ? [] : [tokens.perTokenNs]));
    const count = each.reduce((least, list) => Math.min(least, list.length), FIRST_TOKENS);
    if (each.length === 0 || count < 2) return [];
    const medians = Array.from({ length: count }, (_, at) => median(each.map((list) => list[at] ?? 0)));
    return [{ seen, medians, n: each.length }];
  });
  if (rows.length === 0) return null;
  const { unit, ns } = timeUnit(Math.max(...rows.flatMap(({ medians }) => medians)));
  return gridChart({
    ...{ kind: 'latency', unit, title: view.title, places: [view.place] },
    note: `Medians of ${spanOf(
      rows.map(({ n }) => n),
      'sample',
    )}. The first column is the forward pass of the first token alone, its debt included; load comes before it.`,
    columns: Array.from({ length: Math.max(...rows.map(({ medians }) => medians.length)) }, (_, at) => ({
      name: `token ${at + 1}`,
      brief: String(at + 1),
    })),
    rows: rows.map(({ seen, medians }) => ({
      ...{ label: seen.label, name: seen.look.name },
      cells: medians.map((value) => ({ value: value / ns, text: significant(value / ns), told: duration(value) })),
    })),
  });
}

export function speedChart(view: PlaceView): Drawn | null {
  const rows = view.loaders.filter(({ cell }) => cell.decodeTokensPerSecond !== null);
  if (rows.length === 0) return null;
  const of = (seen: Seen, order: number, part: string, name: string, figure: Description | null): readonly Datum[] =>
    figure === null
      ? []
      : [
          {
            ...{ part, loader: seen.look.name, order, color: seen.look.color, shape: seen.look.shape },
            ...{ value: figure.median, low: figure.min, high: figure.max, few: true },
            ...{ note: `${significant(figure.median)}  n=${figure.n}`, short: significant(figure.median) },
            tip: `${seen.label}\n${name}: ${rangeText(figure, significant)} tokens/s`,
          },
        ];
  return {
    ...{ kind: 'speed', unit: 'tokens/s', title: view.title, places: [view.place] },
    note: `Medians and ranges of ${spanOf(
      rows.map(({ cell }) => cell.decodeTokensPerSecond?.n ?? 0),
      'sample',
    )}: filled is decode, hollow is prefill.`,
    data: rows.flatMap((seen, order) => [
      ...of(seen, order, 'row', 'Decode', seen.cell.decodeTokensPerSecond),
      ...of(seen, order, 'prefill', 'Prefill', seen.cell.prefillTokensPerSecond),
    ]),
    table: {
      head: ['Loader', 'Decode, tokens/s', 'Prefill, tokens/s'],
      rows: rows.map(({ label, cell }) => [
        label,
        rangeText(cell.decodeTokensPerSecond, significant),
        rangeText(cell.prefillTokensPerSecond, significant),
      ]),
    },
  };
}

interface Roof {
  readonly kind: 'device' | 'copy' | 'first touch' | 'memory';
  readonly label: string;
  /** For telephones. */
  readonly brief: string;
  readonly bytesPerSecond: number;
  readonly how: string;
}

export function rooflineChart(view: PlaceView, ledger: Ledger): Drawn | null {
  const rows = view.loaders.filter(({ cell }) => cell.bytesPerSecond !== null);
  if (rows.length === 0) return null;
  const roofs = roofsOf(view, ledger);
  if (roofs.length === 0) return null;
  const logs = [
    ...rows.flatMap(({ cell }) => [cell.bytesPerSecond?.min ?? 1, cell.bytesPerSecond?.max ?? 1]),
    ...roofs.map(({ bytesPerSecond }) => bytesPerSecond),
  ].map(Math.log);
  const [least, most] = [Math.min(...logs), Math.max(...logs)];
  const places = limitPlaces(roofs.map((roof) => (Math.log(roof.bytesPerSecond) - least) / (most - least || 1)));
  return {
    ...{ kind: 'roofline', unit: 'GB/s', title: view.title, places: [view.place] },
    note: `All tensor bytes ÷ time until complete; medians and ranges of ${spanOf(
      rows.map(({ cell }) => cell.bytesPerSecond?.n ?? 0),
      'sample',
    )}. ${roofs.some(({ how }) => how === IN_BLOCKS) ? 'The ceiling was measured in the same blocks, the other limits once, before the run.' : 'Limits were measured once, before the run.'}`,
    data: [
      ...rows.map(({ cell, label, look }, order) => {
        const figure = cell.bytesPerSecond;
        const share =
          cell.ceilingShare === null ? '' : `\n${percent(cell.ceilingShare.median)} of the ceiling in the same blocks`;
        return {
          ...{ part: 'row', loader: look.name, order, color: look.color, shape: look.shape, few: true },
          ...{ value: inGB(figure?.median), low: inGB(figure?.min), high: inGB(figure?.max) },
          note: `${gigabytes(figure?.median ?? 0)} GB/s${cell.ceilingShare === null ? '' : `  ${percent(cell.ceilingShare.median)}`}`,
          short: gigabytes(figure?.median ?? 0),
          tip: `${label}\n${rangeText(figure, gigabytes)} GB/s${share}`,
        };
      }),
      ...roofs.map(({ brief, label, bytesPerSecond, how }, index) => ({
        ...{ part: 'limit', loader: null, order: -1, value: inGB(bytesPerSecond), ...places[index] },
        brief: `${brief}: ${gigabytes(bytesPerSecond)}`,
        label: `${label}: ${gigabytes(bytesPerSecond)} GB/s`,
        tip: `${label}: ${gigabytes(bytesPerSecond)} GB/s\n${how}`,
      })),
    ],
    table: {
      head: ['Loader or limit', 'GB/s', 'Of the ceiling'],
      rows: [
        ...rows.map(({ label, cell }) => [
          label,
          rangeText(cell.bytesPerSecond, gigabytes),
          cell.ceilingShare === null ? '–' : percent(cell.ceilingShare.median),
        ]),
        ...roofs.map(({ label, bytesPerSecond, how }) => [`limit: ${label}`, gigabytes(bytesPerSecond), how]),
      ],
    },
  };
}

function inGB(bytesPerSecond: number | undefined): number {
  return (bytesPerSecond ?? 0) / 1e9;
}

const IN_BLOCKS = 'measured in the same blocks';

function roofsOf({ ceiling, home, place }: PlaceView, { run }: Ledger): readonly Roof[] {
  const own = [ceiling, home].flatMap((seen): readonly Roof[] => {
    const speed = seen?.cell.bytesPerSecond ?? null;
    if (seen === null || speed === null) return [];
    const kind = seen.cell.arm.loader === 'memory' ? 'memory' : 'device';
    const label = seen === home ? 'device into memory that was never touched (home)' : seen.label;
    return [{ kind, label, brief: seen === home ? 'home' : kind, bytesPerSecond: speed.median, how: IN_BLOCKS }];
  });
  const memoryState = place.memoryState === 'returned' ? 'returned' : 'backed';
  const measured = (
    kind: Roof['kind'],
    label: string,
    matches: (limit: Limit) => boolean,
    brief: string = kind,
  ): readonly Roof[] => {
    const most = run.limits
      .filter((limit) => limit.value !== null && limit.value > 0 && matches(limit))
      .toSorted((a, b) => b.threads - a.threads)[0];
    if (most === undefined || most.value === null) return [];
    const threads = most.threads === 1 ? 'one thread' : `${most.threads} threads`;
    return [
      {
        ...{ kind, brief, label: `${label}, ${threads}`, bytesPerSecond: most.value },
        how: `once, before the run: ${most.method}`,
      },
    ];
  };
  const pages = [...new Set(run.limits.map(({ pageBytes }) => pageBytes))].filter((bytes) => bytes !== null);
  return [
    ...own,
    ...(own.some(({ kind }) => kind === 'device') || place.state !== 'cold'
      ? []
      : measured('device', 'device', ({ name }) => name === 'device')),
    ...measured('copy', 'copy out of the page cache', ({ name }) => name === 'copy'),
    ...pages.flatMap((bytes) =>
      measured(
        'first touch',
        `first touch of ${memoryState} memory, ${size(bytes)} pages`,
        (limit) => limit.name === 'first-touch' && limit.pageBytes === bytes && limit.memoryState === memoryState,
        `first touch, ${size(bytes)} pages`,
      ),
    ),
    ...(own.some(({ kind }) => kind === 'memory')
      ? []
      : measured('memory', 'reading memory', ({ name }) => name === 'memory-read-mapping')),
  ];
}
