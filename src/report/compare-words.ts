/** What a comparison says in sentences: never more surely than unpaired medians allow. */
import type { PlacedCell, SharedPlace } from './compare-cells.js';
import type { Standing } from './compare-rows.js';
import type { ComparedMachine, ComparedRow, ComparedSection, RunRatio } from './compare-types.js';
import { sentenceOf } from './foreign.js';
import { counted, enumeration, percent, ratio } from './format.js';
import { momentOf, type Moment } from './moment.js';
import { isCompared } from './places.js';

export interface Weighed {
  readonly place: SharedPlace;
  readonly rows: readonly ComparedRow[];
  readonly runs: readonly Standing[];
}

interface Moved {
  readonly label: string;
  readonly run: string;
  readonly ratio: RunRatio;
}

/** Which loader came first in each run, and how far medians lie apart. */
export function answerOf(of: Weighed, limit: 'device' | 'memory' | null): string {
  const first = leadersText(of);
  const measured = groupsOf(movedOf(of, 'nothing')).map(({ run, base, moved }) => {
    return `${run} ÷ ${base}, medians of ${momentIn(of.place)}: ${spanText(moved)}${floorText(moved)}.`;
  });
  const normalized = groupsOf(movedOf(of, 'ceiling')).map(({ run, base, moved }) => {
    return `${run} ÷ ${base}, ${momentIn(of.place)}, each divided by the ${limit ?? ''} ceiling of its own machine: ${spanText(moved)}.`;
  });
  return sentenceOf([first, ...measured, ...normalized].filter((part) => part !== '').join(' '));
}

function momentIn({ cells }: SharedPlace): Moment {
  return momentOf(cells.map(({ cell }) => cell.arm));
}

function movedOf({ rows, runs }: Weighed, by: 'nothing' | 'ceiling'): readonly Moved[] {
  return rows.flatMap(({ label, kind, cells }) =>
    kind !== 'loader'
      ? []
      : cells.flatMap((cell, run) =>
          (cell?.ratios ?? [])
            .filter((each) => each.metric === 'ttft' && (each.by === 'nothing') === (by === 'nothing'))
            .map((each) => ({ label, run: runs[run]?.name ?? '', ratio: each })),
        ),
  );
}

function groupsOf(
  all: readonly Moved[],
): readonly { readonly run: string; readonly base: string; readonly moved: readonly Moved[] }[] {
  const groups = new Map<string, Moved[]>();
  for (const each of all) {
    const key = JSON.stringify([each.run, each.ratio.base]);
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()].flatMap((moved) => {
    const [first] = moved;
    return first === undefined ? [] : [{ run: first.run, base: first.ratio.base, moved }];
  });
}

/** "0.98 (read) to 1.30 (hybrid)" */
function spanText(moved: readonly Moved[]): string {
  const sorted = moved.toSorted((a, b) => a.ratio.value - b.ratio.value);
  const [least, most] = [sorted[0], sorted.at(-1)];
  const said = (each: Moved | undefined): string =>
    each === undefined ? '' : `${ratio(each.ratio.value)} (${each.label})`;
  const texts = new Set(moved.map((each) => ratio(each.ratio.value)));
  if (texts.size === 1 && moved.length > 1) return `${[...texts].join('')} (all ${moved.length} loaders)`;
  return sorted.length === 1 ? said(least) : `${said(least)} to ${said(most)}`;
}

export function isBeyond({ value, noiseFloor }: RunRatio): boolean {
  return noiseFloor !== null && Math.abs(Math.log(value)) > Math.log1p(noiseFloor);
}

function floorText(moved: readonly Moved[]): string {
  const known = moved.filter(({ ratio: { noiseFloor } }) => noiseFloor !== null);
  if (known.length === 0) return '; how far equals come out apart was not measured here';
  const beyond = known.filter((each) => isBeyond(each.ratio));
  const words = beyond.map(({ label, ratio: { noiseFloor } }) => `${label} (±${percent(noiseFloor ?? 0)})`);
  const rest = moved.length - known.length;
  return [
    beyond.length === 0
      ? `; ${known.length === 1 ? 'it lies' : `${known.length} of ${moved.length} have a noise floor, and all of these lie`} within it`
      : `; beyond the noise floor: ${enumeration(words)}`,
    rest === 0 ? '' : `; of ${counted(rest, 'other')} it was not measured`,
  ].join('');
}

/** By each run's own pairs with its reference, which is how its summary ranks. */
function leadersOf({ place, runs }: Pick<Weighed, 'place' | 'runs'>): readonly { run: string; label: string }[] {
  return runs.flatMap(({ name }, run) => {
    const lead = place.cells.find((each: PlacedCell) => each.run === run && isRanked(each));
    return lead === undefined ? [] : [{ run: name, label: lead.label }];
  });
}

function isRanked({ cell }: PlacedCell): boolean {
  return isCompared(cell) && cell.ttftNs !== null;
}

/** Whether a run has more than one loader to rank here. */
function isContest({ place, runs }: Pick<Weighed, 'place' | 'runs'>): boolean {
  return runs.some((_, run) => place.cells.filter((each) => each.run === run && isRanked(each)).length > 1);
}

function leadersText(of: Weighed): string {
  const leaders = leadersOf(of);
  if (leaders.length === 0) return `No loader has a ${momentIn(of.place)} here.`;
  return isContest(of) ? `First by its own run's pairs: ${leadersWords(leaders)}.` : '';
}

function leadersWords(leaders: readonly { readonly run: string; readonly label: string }[]): string {
  const labels = [...new Set(leaders.map(({ label }) => label))];
  const [label = ''] = labels;
  if (labels.length === 1)
    return leaders.length === 1 ? label : `${label} in ${leaders.length === 2 ? 'both' : `all ${leaders.length}`}`;
  return labels
    .map(
      (each) =>
        `${each} (${leaders
          .filter((leader) => leader.label === each)
          .map(({ run }) => run)
          .join(', ')})`,
    )
    .join(', ');
}

/** More clauses would not be a sentence that anybody reads to its end. */
const MOST = 4;

export interface Told extends Weighed {
  readonly section: ComparedSection;
}

export function headlineOf(
  runs: readonly Standing[],
  machines: readonly ComparedMachine[],
  all: readonly Told[],
  severalModels: boolean,
): string {
  const compared = all.filter(({ section, place }) => section.runs.length > 1 && place.cells.some(isRanked));
  const head = `${counted(runs.length, 'run')} of ${machines.length === 1 ? 'one machine' : counted(machines.length, 'machine')}`;
  if (compared.length === 0) {
    const rest = severalModels
      ? 'of different models: rates and shares of the ceiling stand below, seconds do not compare'
      : 'they have no place in common, and nothing is compared';
    return `${head}: ${rest}.`;
  }
  const clauses = compared.slice(0, MOST).map((each) => `${placeWords(each, compared)}, ${clauseOf(each, machines)}`);
  const more = compared.length - clauses.length;
  return sentenceOf(`${head}: ${clauses.join('; ')}${more === 0 ? '' : `; ${counted(more, 'more place')} below`}.`);
}

function placeWords({ place }: Told, all: readonly Told[]): string {
  const differs = (of: (each: SharedPlace) => unknown): boolean => new Set(all.map((each) => of(each.place))).size > 1;
  const words = [
    differs(({ digest }) => digest) ? `${place.model},` : '',
    differs(({ setting }) => setting) && place.setting !== null ? `${place.setting},` : '',
    place.state,
    differs(({ memoryState }) => memoryState) ? `with free memory ${place.memoryState}` : '',
    place.load === 1 ? '' : `load ${place.load}`,
  ];
  return words.filter((word) => word !== '').join(' ');
}

function clauseOf(of: Told, machines: readonly ComparedMachine[]): string {
  const moved = movedOf(of, 'nothing');
  const farthest = moved.toSorted((a, b) => distance(b) - distance(a))[0];
  if (machines.length > 1 || farthest === undefined) {
    const leaders = leadersOf(of);
    if (isContest(of)) return `first in its own run is ${leadersWords(leaders)}`;
    return `${enumeration([...new Set(leaders.map(({ label }) => label))])} alone was weighed`;
  }
  const { label, run, ratio: found } = farthest;
  const floor =
    found.noiseFloor === null
      ? 'no noise floor known'
      : `${isBeyond(found) ? 'beyond' : 'within'} the noise floor of ±${percent(found.noiseFloor)}`;
  const size = `median ${momentIn(of.place)} is ${ratio(found.value)} × ${found.base} in ${run} (${floor})`;
  return moved.length === 1 ? `${label}'s ${size}` : `${label} moved most: its ${size}`;
}

function distance({ ratio: { value } }: Moved): number {
  return Math.abs(Math.log(value));
}
