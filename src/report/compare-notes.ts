/** What a reader of a comparison must know before believing it. */
import type { NamedRun } from './compare-cells.js';
import type { ComparedMachine, ComparedSection } from './compare-types.js';
import { nameOf, sentenceOf } from './foreign.js';
import { enumeration } from './format.js';
import { noteGroups } from './notes.js';

export function notesOf(
  runs: readonly NamedRun[],
  sections: readonly ComparedSection[],
  machines: readonly ComparedMachine[],
): readonly string[] {
  const compared = sections.filter((section) => section.runs.length > 1);
  return [...timeNotes(compared), ...machineNotes(compared, machines), ...namedNotes(runs, ({ grave }) => grave)].map(
    sentenceOf,
  );
}

/** What the method cannot know on each machine, once for all runs that share it. */
export function unknownOf(runs: readonly NamedRun[]): readonly string[] {
  return namedNotes(runs, ({ caveats }) => caveats);
}

function timeNotes(sections: readonly ComparedSection[]): readonly string[] {
  const ratios = sections.flatMap(({ rows }) =>
    rows.flatMap(({ cells }) => cells.flatMap((cell) => cell?.ratios.filter(({ by }) => by === 'nothing') ?? [])),
  );
  if (ratios.length === 0) return [];
  const unknown = ratios.some(({ noiseFloor }) => noiseFloor === null);
  return [
    'Runs of one machine were made at different times, so that their samples are no pairs: ÷ base is a ratio of medians, above 1 is slower than the base run, and it is no verdict. weighbridge ab weighs both sides in one run and judges: it is the strong test.',
    `±: the noise floor, how far equals come out apart as weighbridge aa stored it for this machine, file, arm and state; days may differ by more.${unknown ? ' ±?: it was never measured here.' : ''}`,
  ];
}

function machineNotes(sections: readonly ComparedSection[], machines: readonly ComparedMachine[]): readonly string[] {
  if (machines.length < 2) return [];
  const limits = [
    ...new Set(
      sections.flatMap(({ limit, place: { state } }) => (limit === null ? [] : [`${state} by its ${limit} ceiling`])),
    ),
  ];
  return [
    `Machines stand apart and are never pooled. Between them times are divided only after each was divided by its own machine’s ceiling${limits.length === 0 ? '' : ` (${enumeration(limits)})`}: above 1 takes more of what that machine could do than the base run did on its own.`,
  ];
}

/** A sentence that several runs share is told once. */
function namedNotes(
  runs: readonly NamedRun[],
  of: (groups: ReturnType<typeof noteGroups>) => readonly string[],
): readonly string[] {
  const found = new Map<string, string[]>();
  for (const { name, ledger, summary } of runs) {
    for (const note of of(noteGroups(summary, ledger))) found.set(note, [...(found.get(note) ?? []), nameOf(name)]);
  }
  return [...found].map(([note, names]) =>
    sentenceOf(`${names.length === runs.length ? 'All runs' : enumeration(names)}: ${note}`),
  );
}
