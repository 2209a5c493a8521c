/** An explanation as text: a heading and the answer of each section, then its sentences as a list. */
import type { ExplainedSection, Explanation } from '../src/report/explain-types.js';
import { hang, wrap } from './text-layout.js';

/** Ends with a line break. */
export function explanationText({ title, machine, sections, notes }: Explanation, width = 80): string {
  const several = new Set(sections.map(({ model }) => model)).size > 1;
  const lines = [
    ...[title, machine].flatMap((text) => wrap(text, width)),
    ...sections.flatMap((section) => ['', ...sectionLines(section, several, width)]),
    ...(notes.length === 0 ? [] : ['', ...notes.flatMap((note) => hang('* ', note, width))]),
  ];
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

function sectionLines(section: ExplainedSection, nameModel: boolean, width: number): readonly string[] {
  const { model, setting, state, conditions, answer, sentences } = section;
  const heading = [
    ...(nameModel ? [model] : []),
    ...(setting === null ? [] : [setting]),
    state.toUpperCase(),
    conditions,
  ].join(' · ');
  return [...wrap(heading, width), ...wrap(answer, width), ...sentences.flatMap(({ text }) => hang('- ', text, width))];
}
