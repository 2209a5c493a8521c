/** External programs of a section: a table of their own. */
import type { CellSummary } from '../statistics/summary-types.js';
import { nameOf } from './foreign.js';
import { countsOfCommands } from './counts.js';
import { figure, ratioFigure } from './figures.js';
import { duration, ratio, significant, size } from './format.js';
import { labelOf } from './labels.js';
import type { PlaceCells } from './places.js';
import type { CommandRow, CommandTable } from './report-types.js';

/** Null without commands. `problemsOf` tells what was not ok of a cell. */
export function commandTableOf(
  cells: PlaceCells,
  problemsOf: (cell: CellSummary) => readonly string[],
): CommandTable | null {
  const commands = cells.filter(({ arm }) => arm.kind === 'command');
  if (commands.length === 0) return null;
  const reference = cells.find(({ isReference, execToTokenNs }) => isReference && execToTokenNs !== null);
  const execToToken = reference === undefined ? null : figure(reference.execToTokenNs, duration);
  const rows = commands.map((cell, index) => rowOf(cell, index === 0, problemsOf(cell)));
  return {
    rows,
    counts: countsOfCommands(rows),
    reference: reference === undefined || execToToken === null ? null : { label: labelOf(reference.arm), execToToken },
  };
}

function rowOf({ arm, command, outcomes }: CellSummary, isFirst: boolean, problems: readonly string[]): CommandRow {
  const of = (name: keyof Figures, text: (value: number) => string): ReturnType<typeof figure> =>
    figure(command?.[name] ?? null, text);
  return {
    // All rows of this table are external: it says so once.
    label: nameOf(arm.label),
    isFirst,
    outcomes,
    output: arm.command?.output ?? 'discard',
    wall: of('wallNs', duration),
    firstByte: of('firstByteNs', duration),
    minorFaults: of('minorFaults', count),
    majorFaults: of('majorFaults', count),
    readBytes: of('readBytes', size),
    peakRss: of('peakRss', size),
    peakPss: of('peakPss', size),
    tokensPerSecond: of('tokensPerSecond', significant),
    toFirst: ratioFigure(command?.wallRatio, ratio),
    toReference: ratioFigure(command?.firstByteRatio, ratio),
    problems,
  };
}

type Figures = Omit<NonNullable<CellSummary['command']>, 'wallRatio' | 'firstByteRatio'>;

const count = (value: number): string => value.toFixed(0);
