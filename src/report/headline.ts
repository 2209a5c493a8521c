/** The answer of a whole run in one sentence: what was first in each state, and how sure that is. */
import { standingOf } from './answer.js';
import { confidence, counted, enumeration, ratio } from './format.js';
import type { Report, Section } from './report-types.js';

/** More would not be a sentence that anybody reads to its end: the sections themselves say the rest. */
const MOST = 4;

export function headlineOf({ sections }: Report): string {
  const weighed = sections.filter(({ unsupported, rows }) => unsupported === null && rows.length > 0);
  if (weighed.length === 0)
    return programsAlone(sections) ?? 'Nothing could be compared on this machine; what follows says why.';
  const told = weighed.slice(0, MOST);
  const clauses = told.map((section) => `${placeOf(section, weighed)}, ${clauseOf(section)}`);
  const more = weighed.length - told.length;
  const rest = more === 0 ? '' : `; ${counted(more, 'more setting')} below`;
  return `On this machine, ${clauses.join('; ')}${rest}.`;
}

/** What programs of one's own took, where no loader was weighed; null without any. */
function programsAlone(sections: readonly Section[]): string | null {
  const clauses = sections.flatMap(({ state, commands }) => {
    const times = (commands?.rows ?? []).flatMap(({ label, wall }) =>
      wall === null ? [] : [`${label} takes ${wall.text}`],
    );
    const more = times.length - MOST;
    return times.length === 0
      ? []
      : [`${state}, ${enumeration(more > 0 ? [...times.slice(0, MOST), `${more} more programs`] : times)}`];
  });
  return clauses.length === 0 ? null : `On this machine, ${clauses.slice(0, MOST).join('; ')}.`;
}

/** What of a section's place differs among those weighed. */
function placeOf({ model, setting, state, memoryState }: Section, all: readonly Section[]): string {
  const differs = (of: (section: Section) => unknown): boolean => new Set(all.map(of)).size > 1;
  const words = [
    differs((each) => each.model) ? `${model},` : '',
    differs((each) => each.setting) && setting !== null ? `${setting},` : '',
    state,
    differs((each) => each.memoryState) ? `with free memory ${memoryState}` : '',
  ];
  return words.filter((word) => word !== '').join(' ');
}

function clauseOf({ rows, moment }: Section): string {
  const standing = standingOf(rows);
  switch (standing.kind) {
    case 'nothing':
      return 'no loader has a valid sample';
    case 'alone':
      return `${standing.row.label} reaches its ${moment} in ${standing.row.firstToken.text}, compared with nothing`;
    case 'faster': {
      const { row, reference, paired, interval, peers } = standing;
      const others = peers === 0 ? '' : `, and ${counted(peers, 'other')} may be as fast`;
      return `${row.label} is fastest to ${moment} (${row.firstToken.text}, ${paired.text} × ${reference.label}, ${confidence(interval.confidence)} interval ${ratio(interval.low)}–${ratio(interval.high)}${others})`;
    }
    case 'open': {
      const { row, reference, paired } = standing;
      return `${row.label} has the lowest paired time to ${moment} (${paired.text} × ${reference.label}, median ${row.firstToken.text}), but ${counted(paired.pairs, 'pair')} ${paired.pairs === 1 ? 'does' : 'do'} not prove it`;
    }
    case 'reference':
      return `no loader is shown to be faster to ${moment} than ${standing.reference.label} (${standing.reference.firstToken.text})`;
  }
}
