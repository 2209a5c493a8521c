/** What `recommend` and `aa` found out, as the page of their run begins with it. Pure. */
import type { NoiseRecord } from '../statistics/noise.js';
import { enumeration, percent } from './format.js';
import type { Moment } from './moment.js';
import type { NoiseReport } from './noise.js';
import type { Lead, Table } from './page-types.js';
import type { Advice } from './recommend.js';

export function leadOfAdvice({ title, overall, sections, notes }: Advice): Lead {
  return {
    headline: overall ?? sections[0]?.take ?? 'Nothing can be recommended here; what follows says why.',
    heading: 'What to take',
    blocks: sections.map(({ heading, take, items }) => ({
      ...{ heading, text: take, table: null },
      facts: items.map(({ term, text }) => ({ term, value: text })),
    })),
    notes: [title, ...notes],
  };
}

export function leadOfNoise(records: readonly NoiseRecord[], report: NoiseReport): Lead {
  const { sections, legend, notes } = report;
  return {
    headline: noiseHeadline(records, report.moment),
    heading: 'How far apart equals come out',
    blocks: sections.map(({ heading, rows }) => ({
      ...{ heading, text: '', facts: [] },
      table: tableOf(report, rows),
    })),
    notes: [...legend.map(([term, meaning]) => `${term}: ${meaning}`), ...notes],
  };
}

/** Each column with what spans it: "noise floor of n" above 10 is "noise floor of 10". */
function tableOf({ columns, spans }: NoiseReport, rows: Table['rows']): Table {
  const above = spans.flatMap(([text, count]) => Array.from({ length: count }, () => text.replace(/ n$/, '')));
  return { head: columns.map((name, index) => `${above[index] ?? ''} ${name}`.trim()), rows };
}

/** Of the first token, with as many pairs as a gate would have at most. */
function noiseHeadline(records: readonly NoiseRecord[], moment: Moment): string {
  const states = records.flatMap(({ key: { state, memoryState }, metrics: { ttft } }) => {
    const look = ttft.looks.filter(({ noiseFloor }) => noiseFloor !== null).at(-1);
    if (look?.noiseFloor == null) return [];
    const several = new Set(records.map(({ key }) => key.memoryState)).size > 1;
    const seen = look.smallestInFamily === null ? '' : `, and a slowdown of ${percent(look.smallestInFamily)} is found`;
    return [
      `${state}${several ? ` with free memory ${memoryState}` : ''} up to ${percent(look.noiseFloor)} (${look.pairs} pairs${seen})`,
    ];
  });
  return states.length === 0
    ? 'Too few pairs to say how far apart equals come out on this machine.'
    : `On this machine two equal loads differ in their time to ${moment} by noise alone: ${enumeration(states)}.`;
}
