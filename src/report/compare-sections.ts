/** Places that runs have in common as sections, what only some of them have, and rates where models differ. */
import type { PlacedCell, SharedPlace } from './compare-cells.js';
import { rowsOf, type NoiseOf, type Standing } from './compare-rows.js';
import type { ComparedCell, ComparedRow, ComparedSection, Lack, RatesSection, RunRatio } from './compare-types.js';
import { answerOf } from './compare-words.js';
import { sentenceOf } from './foreign.js';
import { enumeration, gigabytes, percent, ratio, significant } from './format.js';
import { momentOf, upperFirst, type Moment } from './moment.js';
import type { Place, Table } from './page-types.js';

const NONE = '–';

export function sectionOf(
  place: SharedPlace,
  runs: readonly Standing[],
  noiseOf: NoiseOf,
  severalModels: boolean,
): ComparedSection {
  const rows = rowsOf({ place, runs, noiseOf });
  const names = runs.filter((_, run) => place.cells.some((cell) => cell.run === run)).map(({ name }) => name);
  const limits = new Set(place.cells.map(({ limit }) => limit).filter((limit) => limit !== null));
  const [limit = null] = limits;
  const of = { place, rows, runs };
  return {
    place: placeOf(place),
    load: place.load,
    heading: headingOf(place, severalModels),
    digest: place.digest,
    limit,
    runs: names,
    answer: names.length < 2 ? '' : answerOf(of, limit),
    rows,
    table: tableOf(rows, runs, momentOf(place.cells.map(({ cell }) => cell.arm))),
    remarks: remarksOf(rows, runs),
  };
}

function placeOf({ model, setting, state, memoryState }: SharedPlace): Place {
  return { model, setting, state, memoryState };
}

export function headingOf(
  { model, setting, state, memoryState, load }: Omit<SharedPlace, 'digest' | 'cells'>,
  nameModel: boolean,
): string {
  const words = [
    nameModel ? model : '',
    setting ?? '',
    state,
    `free memory ${memoryState}`,
    load === 1 ? '' : `load ${load}`,
  ];
  return words.filter((word) => word !== '').join(' · ');
}

interface TableLine {
  readonly label: string;
  readonly run: string;
  readonly cell: ComparedCell;
  /** Of all runs of this arm. */
  readonly ratios: readonly RunRatio[];
}

type Column = readonly [heading: string, of: (line: TableLine) => string];

const columnsOf = (moment: string): readonly Column[] => [
  [moment, ({ cell: { firstToken } }) => firstToken?.text ?? NONE],
  [`${moment} ÷ base`, (line) => ratioText(line, 'ttft', 'nothing')],
  [`${moment} by ceiling`, (line) => ratioText(line, 'ttft', 'ceiling')],
  ['Complete', ({ cell: { complete } }) => complete?.text ?? NONE],
  ['Complete ÷ base', (line) => ratioText(line, 'complete', 'nothing')],
  ['Complete by ceiling', (line) => ratioText(line, 'complete', 'ceiling')],
  ['Wall', ({ cell: { wall } }) => wall?.text ?? NONE],
  ['Wall ÷ base', (line) => ratioText(line, 'wall', 'nothing')],
  ['GB/s', ({ cell: { bytesPerSecond } }) => bytesPerSecond?.text ?? NONE],
  ['Of ceiling', ({ cell: { ceilingShare } }) => ceilingShare?.text ?? NONE],
  ['Tokens/s', ({ cell: { decode } }) => decode?.text ?? NONE],
  ['Token time ÷ base', (line) => ratioText(line, 'decode', 'nothing')],
  ['n', ({ cell: { ok } }) => String(ok)],
];

/** A row an arm and run; columns that are empty throughout are left out. */
function tableOf(rows: readonly ComparedRow[], runs: readonly Standing[], moment: Moment): Table {
  const lines = rows.flatMap(({ label, cells }): readonly TableLine[] => {
    const ratios = cells.flatMap((cell) => cell?.ratios ?? []);
    return cells.flatMap((cell, run) => (cell === null ? [] : [{ label, run: runs[run]?.name ?? '', cell, ratios }]));
  });
  const shown = columnsOf(upperFirst(moment)).filter(([, of]) => lines.some((line) => of(line) !== NONE));
  return {
    head: ['Arm', 'Run', ...shown.map(([heading]) => heading)],
    rows: lines.map((line) => [line.label, line.run, ...shown.map(([, of]) => of(line))]),
  };
}

/** Why some cells have no figure or no ratio; arms of one run and one reason together. */
function remarksOf(rows: readonly ComparedRow[], runs: readonly Standing[]): readonly string[] {
  const found = new Map<string, { readonly run: string; readonly why: string; readonly labels: string[] }>();
  for (const { label, cells } of rows) {
    for (const [run, cell] of cells.entries()) {
      const why = cell?.problem ?? (cell?.apart == null ? null : `not divided by another run's: ${cell.apart}`);
      if (why === null) continue;
      const key = JSON.stringify([run, why]);
      const known = found.get(key);
      if (known === undefined) found.set(key, { run: runs[run]?.name ?? '', why, labels: [label] });
      else known.labels.push(label);
    }
  }
  return [...found.values()].map(({ run, why, labels }) => sentenceOf(`${namesText(labels)} in ${run}: ${why}.`));
}

/** More names than these say less than their number. */
const MOST_NAMES = 8;

export function namesText(labels: readonly string[]): string {
  const more = labels.length - MOST_NAMES;
  return more <= 1 ? enumeration(labels) : `${labels.slice(0, MOST_NAMES).join(', ')} and ${more} more`;
}

export function ratioIn(cell: ComparedCell, metric: RunRatio['metric'], by: 'nothing' | 'ceiling'): RunRatio | null {
  return cell.ratios.find((each) => each.metric === metric && (each.by === 'nothing') === (by === 'nothing')) ?? null;
}

/** "1.04 ±3.1%": with what equals come out apart; "±?" where that was never measured. */
function ratioText({ cell, run, ratios }: TableLine, metric: RunRatio['metric'], by: 'nothing' | 'ceiling'): string {
  const found = ratioIn(cell, metric, by);
  if (found !== null) {
    const { value, noiseFloor } = found;
    return by === 'ceiling' ? ratio(value) : `${ratio(value)} ±${noiseFloor === null ? '?' : percent(noiseFloor)}`;
  }
  const isBase = ratios.some(
    (each) => each.metric === metric && (each.by === 'nothing') === (by === 'nothing') && each.base === run,
  );
  return isBase ? 'base' : NONE;
}

/** Places and arms that not every run has; arms of one place and the same runs together. */
export function lacksOf(sections: readonly ComparedSection[], runs: readonly Standing[]): readonly Lack[] {
  const names = runs.map(({ name }) => name);
  return sections.flatMap(({ heading, rows }) => {
    const found = new Map<string, string[]>();
    for (const { label, cells } of rows) {
      const having = names.filter((_, run) => cells[run] != null);
      if (having.length === names.length) continue;
      const key = JSON.stringify(having);
      found.set(key, [...(found.get(key) ?? []), label]);
    }
    return [...found].map(([key, labels]): Lack => {
      const having = JSON.parse(key) as readonly string[];
      const not = names.filter((name) => !having.includes(name));
      const text = `${heading}: ${namesText(labels)}: in ${enumeration(having)}, not in ${enumeration(not)}.`;
      return { place: heading, labels, runs: having, not, text: sentenceOf(text) };
    });
  });
}

/** Places of one setting and state that are of different models. */
export function acrossModels(places: readonly SharedPlace[]): readonly (readonly [SharedPlace, ...SharedPlace[]])[] {
  const states = new Map<string, [SharedPlace, ...SharedPlace[]]>();
  for (const place of places) {
    if (place.load !== 1) continue;
    const key = JSON.stringify([place.setting, place.memoryState, place.state]);
    const found = states.get(key);
    if (found === undefined) states.set(key, [place]);
    else found.push(place);
  }
  return [...states.values()].filter((alike) => new Set(alike.map(({ digest }) => digest)).size > 1);
}

export function ratesOf(places: readonly SharedPlace[], runs: readonly Standing[]): readonly RatesSection[] {
  return acrossModels(places).map((alike) => {
    const [first] = alike;
    const { setting, state, memoryState } = first;
    const heading = headingOf(first, false);
    return { setting, state, memoryState, heading, table: ratesTable(alike, runs) };
  });
}

/** An arm's cells over all models and runs, those of one arm together. */
export function ratedCells(places: readonly SharedPlace[]): readonly (PlacedCell & { readonly model: string })[] {
  const all = places.flatMap(({ model, cells }) => cells.map((cell) => ({ ...cell, model })));
  const rated = all.filter(({ cell }) => cell.bytesPerSecond !== null && cell.arm.kind === 'loader');
  const labels = [...new Set(rated.map(({ label }) => label))];
  return labels.flatMap((label) => rated.filter((each) => each.label === label).toSorted((a, b) => a.run - b.run));
}

function ratesTable(places: readonly SharedPlace[], runs: readonly Standing[]): Table {
  const infers = momentOf(places.flatMap(({ cells }) => cells.map(({ cell }) => cell.arm))) === 'first token';
  return {
    head: ['Arm', 'Run', 'Model', 'GB/s', 'of ceiling', ...(infers ? ['Tokens/s'] : []), 'n'],
    rows: ratedCells(places).map(({ label, run, model, cell }) => [
      ...[label, runs[run]?.name ?? '', model],
      cell.bytesPerSecond === null ? NONE : gigabytes(cell.bytesPerSecond.median),
      cell.ceilingShare === null ? NONE : percent(cell.ceilingShare.median),
      ...(!infers ? [] : [cell.decodeTokensPerSecond === null ? NONE : significant(cell.decodeTokensPerSecond.median)]),
      String(cell.outcomes.ok),
    ]),
  };
}
