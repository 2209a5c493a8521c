/** Runs side by side as charts: medians of the first token a machine, shares of the ceiling, and rates of other models. */
import { roomAround, spanOf, thinned, timeUnit } from './chart-view.js';
import type { PlacedCell, SharedPlace } from './compare-cells.js';
import type { Standing } from './compare-rows.js';
import { ratedCells, ratioIn } from './compare-sections.js';
import type { ComparedCell, ComparedMachine, ComparedSection, MedianFigure } from './compare-types.js';
import { confidence, duration, gigabytes, percent, ratio } from './format.js';
import type { Look } from './looks.js';
import { shortened, uniqueName } from './looks.js';
import { momentOf, upperFirst } from './moment.js';
import type { Datum, Drawn, Place } from './page-types.js';

/** By label of the loader. */
export type Looks = ReadonlyMap<string, Look>;

/** A run's mark on every chart: colours are of loaders. */
const SHAPES = ['circle', 'square', 'triangle-up', 'diamond', 'triangle-down', 'cross', 'triangle-right'] as const;
/** Dots of single samples beyond this many hide each other. */
const MOST_DOTS = 40;
/** Together they fit beside a drawing. */
const LONGEST_LOADER = 28;
const LONGEST_RUN = 20;

/** How a row of a chart looks: a loader in a run. */
type Mark = Pick<Datum, 'loader' | 'order'> & { readonly color: string; readonly shape: string };

interface Marked {
  readonly label: string;
  readonly run: number;
  readonly model?: string;
}

/** Each with a name of its own on the axis. */
function linesOf<T extends Marked>(
  marked: readonly T[],
  runs: readonly Standing[],
  looks: Looks,
): readonly (T & { readonly name: string; readonly mark: Mark })[] {
  const taken = new Set<string>();
  return marked.map((each, order) => {
    const name = runs[each.run]?.name ?? '';
    const look = looks.get(each.label);
    const words = [shortened(look?.name ?? each.label, LONGEST_LOADER), shortened(name, LONGEST_RUN)];
    const model = each.model === undefined ? [] : [shortened(each.model, LONGEST_RUN)];
    const loader = uniqueName([...words, ...model].join(' · '), taken);
    taken.add(loader);
    const shape = SHAPES[each.run % SHAPES.length] ?? SHAPES[0];
    return { ...each, name, mark: { loader, order, color: look?.color ?? '#7f7f7f', shape } };
  });
}

interface Measured {
  readonly label: string;
  readonly run: number;
  readonly cell: ComparedCell;
  readonly figure: MedianFigure;
}

function measuredOf(
  { rows }: ComparedSection,
  of: (cell: ComparedCell) => MedianFigure | null,
  wanted: (run: number) => boolean,
): readonly Measured[] {
  return rows.flatMap(({ label, kind, cells }) =>
    cells.flatMap((cell, run) => {
      const figure = cell === null || kind === 'limit' ? null : of(cell);
      return cell === null || figure === null || !wanted(run) ? [] : [{ label, run, cell, figure }];
    }),
  );
}

/** A chart a machine: seconds of two machines have no scale in common. */
export function runsCharts(
  place: SharedPlace,
  section: ComparedSection,
  runs: readonly Standing[],
  machines: readonly ComparedMachine[],
  looks: Looks,
): readonly Drawn[] {
  const moment = momentOf(place.cells.map(({ cell }) => cell.arm));
  return machines.flatMap((machine) => {
    const here = (run: number): boolean => runs[run]?.fingerprint === machine.fingerprint;
    const lines = linesOf(
      measuredOf(section, ({ firstToken }) => firstToken, here),
      runs,
      looks,
    );
    if (lines.length === 0) return [];
    const { unit, ns } = timeUnit(Math.max(...lines.map(({ figure }) => figure.high)));
    return [
      {
        ...{
          kind: 'runs',
          unit,
          moment,
          title: `${section.heading}${facetOf(machine, machines)}`,
          places: [section.place],
        },
        note: `Medians of ${spanOf(
          lines.map(({ figure }) => figure.n),
          'sample',
        )}; ${barsText(lines)}. Small dots are samples. ${baseText(lines)}`.trimEnd(),
        data: [
          ...roomAround(lines.flatMap(({ figure }) => [figure.low / ns, figure.high / ns])),
          ...lines.flatMap((line): readonly Datum[] => {
            const { label, name, mark, figure, cell } = line;
            const found = ratioIn(cell, 'ttft', 'nothing');
            const times = found === null ? '' : `  ${ratio(found.value)}×`;
            return [
              ...thinned(samplesOf(place, line), MOST_DOTS).map((value) => ({
                ...{ ...mark, part: 'pair', value: value / ns },
                tip: `${label} in ${name}\n${duration(value)}`,
              })),
              {
                ...{ ...mark, part: 'row', value: figure.value / ns, low: figure.low / ns, high: figure.high / ns },
                few: figure.confidence === null,
                note: `${figure.text}${times}  n=${figure.n}`,
                short: `${figure.text}${times}`,
                tip: `${label} in ${name}\nMedian ${spreadText(figure, duration)}${ratioTip(cell)}`,
              },
            ];
          }),
        ],
        table: {
          head: ['Loader', 'Run', upperFirst(moment), 'Spread', 'Samples', '÷ base', 'Base', 'Noise floor'],
          rows: lines.map(({ label, name, figure, cell }) => {
            const found = ratioIn(cell, 'ttft', 'nothing');
            return [
              ...[label, name, figure.text, spreadOnly(figure, duration), String(figure.n)],
              ...(found === null ? ['–', '–', '–'] : [ratio(found.value), found.base, floorText(found.noiseFloor)]),
            ];
          }),
        },
      } satisfies Drawn,
    ];
  });
}

/** All machines in one drawing: a share has been divided by the machine's own limit. */
export function sharesChart(
  section: ComparedSection,
  runs: readonly Standing[],
  machines: readonly ComparedMachine[],
  looks: Looks,
): Drawn | null {
  const shares = measuredOf(
    section,
    ({ ceilingShare }) => ceilingShare,
    () => true,
  );
  const lines = linesOf(shares, runs, looks);
  if (lines.length === 0 || section.limit === null) return null;
  const limit = `the ${section.limit} ceiling`;
  return {
    ...{ kind: 'shares', unit: 'ratio', title: `${section.heading} · share of ${limit}`, places: [section.place] },
    note: `What ${limit} takes for the same bytes in the same block ÷ time until complete: ${spanOf(
      lines.map(({ figure }) => figure.n),
      'pair',
    )}, ${barsText(lines)}. Each run is divided by its own machine’s ceiling.`,
    data: lines.map(({ label, run, name, mark, figure }) => ({
      ...{ ...mark, part: 'row', value: figure.value, low: figure.low, high: figure.high },
      few: figure.confidence === null,
      note: `${figure.text}  n=${figure.n}`,
      short: figure.text,
      tip: `${label} in ${name}, ${machineOf(run, runs, machines)}\n${spreadText(figure, percent)} of ${limit}`,
    })),
    table: {
      head: ['Loader', 'Run', 'Machine', 'Of the ceiling', 'Spread', 'Pairs'],
      rows: lines.map(({ label, run, name, figure }) => [
        ...[label, name, machineOf(run, runs, machines)],
        ...[figure.text, spreadOnly(figure, percent), String(figure.n)],
      ]),
    },
  };
}

/** Of several models in one state: bytes a second, since seconds are of their sizes. A chart a machine, as of seconds. */
export function ratesCharts(
  heading: string,
  places: readonly SharedPlace[],
  runs: readonly Standing[],
  machines: readonly ComparedMachine[],
  looks: Looks,
): readonly Drawn[] {
  const rated = ratedCells(places);
  return machines.flatMap((machine) => {
    const own = rated.filter(({ run }) => runs[run]?.fingerprint === machine.fingerprint);
    const lines = linesOf(own, runs, looks);
    if (lines.length === 0) return [];
    const seen = new Set(own.map(({ run, model }) => JSON.stringify([run, model])));
    const shown = places.filter(({ model, cells }) => cells.some(({ run }) => seen.has(JSON.stringify([run, model]))));
    return [
      {
        ...{ kind: 'rates', unit: 'GB/s', title: `${heading}${facetOf(machine, machines)}` },
        places: shown.map(({ model, setting, state, memoryState }): Place => ({ model, setting, state, memoryState })),
        note: `All tensor bytes ÷ time until complete: medians and ranges of ${spanOf(
          lines.map(({ cell }) => cell.bytesPerSecond?.n ?? 0),
          'sample',
        )}.`,
        data: lines.map(({ label, name, model, mark, cell: { bytesPerSecond: rate } }) => {
          const text = gigabytes(rate?.median ?? 0);
          return {
            ...{ ...mark, part: 'row', few: true, value: (rate?.median ?? 0) / 1e9 },
            ...{ low: (rate?.min ?? 0) / 1e9, high: (rate?.max ?? 0) / 1e9 },
            ...{ note: `${text} GB/s  n=${rate?.n ?? 0}`, short: text },
            tip: `${label} in ${name}\n${model}\n${text} GB/s`,
          };
        }),
        table: {
          head: ['Loader', 'Run', 'Model', 'GB/s', 'Samples'],
          rows: lines.map(({ label, name, model, cell }) => [
            ...[label, name, model],
            ...[gigabytes(cell.bytesPerSecond?.median ?? 0), String(cell.bytesPerSecond?.n ?? 0)],
          ]),
        },
      } satisfies Drawn,
    ];
  });
}

/** Behind the title of a chart that is of one of several machines. */
function facetOf({ name, line, fingerprint }: ComparedMachine, machines: readonly ComparedMachine[]): string {
  return machines.length === 1 ? '' : ` · ${name}: ${line === '' ? fingerprint : line}`;
}

function samplesOf({ cells }: SharedPlace, { label, run }: Measured): readonly number[] {
  const found = cells.find((each: PlacedCell) => each.run === run && each.label === label);
  return found?.cell.ttftNs?.values ?? [];
}

function machineOf(run: number, runs: readonly Standing[], machines: readonly ComparedMachine[]): string {
  return machines.find(({ fingerprint }) => fingerprint === runs[run]?.fingerprint)?.name ?? '';
}

function barsText(lines: readonly { readonly figure: MedianFigure }[]): string {
  const few = lines.filter(({ figure }) => figure.confidence === null).length;
  if (few === 0) return 'bars are exact intervals of the median';
  return few === lines.length
    ? 'too few for an interval, so thin bars are ranges'
    : 'thick bars are intervals, thin ones ranges';
}

function baseText(lines: readonly Measured[]): string {
  if (new Set(lines.map(({ run }) => run)).size === 1) return '';
  const bases = new Set(lines.flatMap(({ cell }) => ratioIn(cell, 'ttft', 'nothing')?.base ?? []));
  return bases.size === 0
    ? 'No two runs here did the same work.'
    : `× is the median ÷ that of ${[...bases].join(' or ')}: not paired, and no verdict.`;
}

function spreadOnly({ n, low, high, confidence: achieved }: MedianFigure, text: (value: number) => string): string {
  if (n === 1) return 'a single sample';
  const span = `${text(low)} to ${text(high)}`;
  return achieved === null ? `range ${span}` : `${confidence(achieved)} interval ${span}`;
}

function spreadText(figure: MedianFigure, text: (value: number) => string): string {
  return `${figure.text} (${spreadOnly(figure, text)}, n=${figure.n})`;
}

function floorText(floor: number | null): string {
  return floor === null ? 'not measured' : `±${percent(floor)}`;
}

function ratioTip(cell: ComparedCell): string {
  const found = ratioIn(cell, 'ttft', 'nothing');
  if (found !== null)
    return `\n${ratio(found.value)} × the median in ${found.base}; noise floor ${floorText(found.noiseFloor)}`;
  return cell.apart === null ? '' : `\nNot divided: ${cell.apart}`;
}
