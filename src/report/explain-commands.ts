/** Sentences on external programs: what each cost, and how it compares with the first of them and with the reference loader. */
import type { CellSummary } from '../statistics/summary-types.js';
import { spreadInWords } from './explain-case.js';
import type { Sentence } from './explain-types.js';
import { nameOf } from './foreign.js';
import { counted, duration, percent, ratio, significant, size } from './format.js';
import type { PlaceCells } from './places.js';

/** One a program. `later`: cells of the loads after the first. */
export function commandSentences(cells: PlaceCells, later: readonly CellSummary[]): readonly Sentence[] {
  const programs = cells.filter(({ arm }) => arm.kind === 'command');
  const first = programs[0];
  const reference = cells.find(({ isReference, execToTokenNs }) => isReference && execToTokenNs !== null);
  return programs.flatMap((cell): readonly Sentence[] => {
    const text = [
      costOf(cell),
      first === undefined || first === cell ? '' : againstFirst(cell, nameOf(first.arm.label)),
      reference === undefined ? '' : againstToken(cell, nameOf(reference.arm.label)),
      laterOf(cell, later),
      notOkOf(cell),
    ].filter((part) => part !== '');
    return text.length === 0 ? [] : [{ topic: 'commands', text: text.join(' ') }];
  });
}

function costOf({ arm, command }: CellSummary): string {
  const wall = command?.wallNs;
  if (wall == null) return '';
  const { userNs, systemNs, readBytes, minorFaults, majorFaults, peakRss, tokensPerSecond } = command ?? {};
  const cpu =
    userNs == null || systemNs == null
      ? ''
      : `, in which it had ${duration(userNs.median)} of CPU time of its own and ${duration(systemNs.median)} in the kernel (${percent((userNs.median + systemNs.median) / wall.median)} of the wall time, all CPUs together)`;
  const facts = [
    readBytes == null
      ? ''
      : readBytes.median === 0
        ? 'it read nothing from storage'
        : `it read ${size(readBytes.median)} from storage`,
    minorFaults == null || majorFaults == null
      ? ''
      : `${counted(Math.round(minorFaults.median), 'minor fault')} and ${majorFaults.median.toFixed(0)} major`,
    peakRss == null ? '' : `peak Rss ${size(peakRss.median)}`,
    tokensPerSecond == null ? '' : `it told ${significant(tokensPerSecond.median)} tokens/s`,
  ].filter((fact) => fact !== '');
  const range =
    wall.n === 1 ? '1 sample' : `median of ${wall.n} samples, ${duration(wall.min)} to ${duration(wall.max)}`;
  return `The program ${nameOf(arm.label)} took ${duration(wall.median)} (${range})${cpu}${facts.length === 0 ? '' : `; ${facts.join(', ')}`}.`;
}

function againstFirst({ command }: CellSummary, first: string): string {
  const wall = command?.wallRatio ?? null;
  return wall === null
    ? ''
    : `That is ${ratio(wall.median)} times what ${first} took in the same blocks (${spreadInWords(wall, ratio)}).`;
}

function againstToken({ command }: CellSummary, reference: string): string {
  const byte = command?.firstByteRatio ?? null;
  const at = command?.firstByteNs ?? null;
  return byte === null || at === null
    ? ''
    : `Its first byte came after ${duration(at.median)}, ${ratio(byte.median)} times what ${reference} takes from exec to its first token in the same blocks (${spreadInWords(byte, ratio)}).`;
}

function laterOf({ arm, memoryState }: CellSummary, later: readonly CellSummary[]): string {
  const own = later
    .filter((cell) => cell.arm.id === arm.id && cell.memoryState === memoryState)
    .flatMap(({ load, command }) => (command?.wallNs == null ? [] : [{ load, ns: command.wallNs.median }]));
  return own.length === 0
    ? ''
    : `Run again at once it took ${own.map(({ load, ns }) => `${duration(ns)} at load ${load}`).join(', ')}.`;
}

function notOkOf({ arm, reasons }: CellSummary): string {
  return reasons.length === 0
    ? ''
    : `Not ok of ${nameOf(arm.label)}: ${reasons.map(({ outcome, reason, count }) => `${count} × ${outcome}, ${reason.message}`).join('; ')}.`;
}
