/** Why the first loader is first: sentences computed from a ledger, and none where it lacks the figures. Pure. */
import { toldOnce } from './reasons.js';
import { UsageError, printable } from '../failure.js';
import { chainedState } from '../plan/blocks.js';
import type { Ledger, Sample } from '../samples/record.js';
import type { CellSummary, Summary } from '../statistics/summary-types.js';
import { unitsOf } from '../statistics/units.js';
import { leaderOf } from './answer.js';
import { commandSentences } from './explain-commands.js';
import { pairsOfViews, viewOf, type Case, type Speaker, type View } from './explain-case.js';
import { loadsSentence } from './explain-loads.js';
import { copiedSentence, footprintSentence } from './explain-memory.js';
import {
  bindingSentence,
  ceilingSentence,
  debtSentence,
  decodeSentence,
  differenceSentence,
  faultsSentence,
  phasesSentence,
  storageSentence,
} from './explain-time.js';
import { effectiveSentence, noiseSentence, notOkSentence, warningsSentence } from './explain-trust.js';
import type { ExplainedSection, Explanation, Sentence, Topic } from './explain-types.js';
import { counted } from './format.js';
import { isVirtual } from './notes.js';
import { sectionPlacesOf, type PlaceCells } from './places.js';
import { report } from './report.js';
import type { Section } from './report-types.js';

export type * from './explain-types.js';

/** In the order in which they are told. */
const speakers: readonly (readonly [Topic, Speaker])[] = [
  ['phases', phasesSentence],
  ['difference', differenceSentence],
  ['storage', storageSentence],
  ['faults', faultsSentence],
  ['copied', copiedSentence],
  ['debt', debtSentence],
  ['ceiling', ceilingSentence],
  ['binding', bindingSentence],
  ['footprint', footprintSentence],
  ['decode', decodeSentence],
  ['loads', loadsSentence],
  ['effective', effectiveSentence],
  ['warnings', warningsSentence],
  ['not-ok', notOkSentence],
  ['noise', noiseSentence],
];

/** `loader`: the one to explain, in place of the first of each section. Throws UsageError where the run has none of it. */
export function explain(summary: Summary, ledger: Ledger, loader: string | null = null): Explanation {
  const { title, machine, sections } = report(summary, ledger);
  const known = new Set(summary.cells.filter(isLoader).map(({ arm }) => arm.label));
  if (loader !== null && !known.has(loader)) {
    throw new UsageError(`the run has no loader ${JSON.stringify(loader)}; it has: ${[...known].join(', ')}`);
  }
  const places = sectionPlacesOf(summary.cells);
  const units = unitsOf(ledger);
  const later = summary.cells.filter(({ load }) => load > 1).toSorted((a, b) => a.load - b.load);
  return {
    title,
    machine,
    // Both are in the order of the places.
    sections: sections.flatMap((section, index) => {
      const cells = places[index];
      return cells === undefined ? [] : [explainSection(section, cells, { ledger, units, later }, loader)];
    }),
    notes: notesOf(summary),
  };
}

function isLoader({ arm }: CellSummary): boolean {
  return arm.kind === 'loader' && arm.work !== 'none';
}

interface Source {
  readonly ledger: Ledger;
  /** Samples, and groups told as samples. */
  readonly units: readonly Sample[];
  /** Cells of the loads that followed a first, by load. */
  readonly later: readonly CellSummary[];
}

function explainSection(
  section: Section,
  cells: PlaceCells,
  { ledger, units, later: all }: Source,
  loader: string | null,
): ExplainedSection {
  const { model, setting, state, memoryState, conditions, moment, answer } = section;
  const later = state === chainedState(ledger.run.plan) ? all : [];
  const loaders = cells.filter(isLoader).map((cell) => viewOf(printable(cell.arm.label), cell, units, later));
  const commands = commandSentences(cells, later).map(({ topic, text }) => ({ topic, text: printable(text) }));
  const leader = leaderOf(section.rows);
  const first = loaders.find(({ label, cell }) => rowLabelOf(label, cell) === leader?.label) ?? null;
  const subject = loader === null ? first : (loaders.find(({ cell }) => cell.arm.label === loader) ?? null);
  const other = subject === null ? null : opponentOf(subject, first, loaders);
  const told = { model, setting, state, memoryState, conditions, answer, other: other?.label ?? null };
  if (subject === null) return { ...told, subject: null, sentences: [...notOkOf(loaders), ...commands] };
  const [{ arm }] = cells;
  const ceiling = section.ceiling?.label ?? null;
  const of: Case = {
    subject,
    other,
    pairs: pairsOfViews(subject, other),
    comparisons: Math.max(1, loaders.filter(({ cell }) => cell.ratio?.ttft).length),
    loaders,
    ceilingLabel: ceiling,
    moment,
    tensorBytes: ledger.run.models[arm.model]?.tensorBytes ?? 0,
    virtual: isVirtual(ledger.run.machine),
  };
  return {
    ...told,
    subject: subject.label,
    sentences: [
      ...speakers.flatMap(([topic, speak]): readonly Sentence[] => {
        const text = speak(of);
        return text === null ? [] : [{ topic, text: printable(text) }];
      }),
      ...commands,
    ],
  };
}

/** As the rows of a report name it. */
function rowLabelOf(label: string, { arm }: CellSummary): string {
  return arm.origin === 'external' ? `${label} (external)` : label;
}

/** The reference; of the reference itself the first, or, where it is first itself, the next that has pairs with it. */
function opponentOf(subject: View, first: View | null, loaders: readonly View[]): View | null {
  const reference = loaders.find(({ cell }) => cell.isReference) ?? null;
  if (subject !== reference) return reference !== null && reference.timed.length > 0 ? reference : null;
  if (first !== null && first !== subject) return first;
  return loaders.find((each) => each !== subject && each.cell.ratio?.ttft) ?? null;
}

/** A section without a loader to explain still says what became of its samples. */
function notOkOf(loaders: readonly View[]): readonly Sentence[] {
  const each = loaders.flatMap(({ label, cell }) =>
    toldOnce(cell.reasons).map(({ outcome, reason, count }) => `${label}: ${count} × ${outcome}, ${reason.message}`),
  );
  return each.length === 0 ? [] : [{ topic: 'not-ok', text: printable(`${each.join('; ')}.`) }];
}

function notesOf({ stopped, samples, warnings }: Summary): readonly string[] {
  return [
    stopped === 'complete' || stopped === 'precision' || stopped === 'decided'
      ? ''
      : `The run is not complete (${stopped ?? 'its end was not recorded'}): these are its first ${counted(samples.total, 'sample')}.`,
    ...warnings,
  ]
    .filter((note) => note !== '')
    .map(printable);
}
