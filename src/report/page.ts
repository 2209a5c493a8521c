/** From a summary to a page: the report, charts with their data, and what must be known to judge and to repeat the run. */
import { toldOnce } from './reasons.js';
import { describe } from '../failure.js';
import type { Ledger } from '../samples/record.js';
import type { Summary } from '../statistics/summary-types.js';
import { curveCharts } from './chart-curves.js';
import { memoryChart } from './chart-memory.js';
import { phaseChart } from './chart-phases.js';
import { ratioChart } from './chart-ratios.js';
import { orderChart, spreadChart } from './chart-samples.js';
import { latencyChart, rooflineChart, speedChart } from './chart-speed.js';
import { placeViews } from './chart-view.js';
import { commandLine, environmentOf } from './environment.js';
import { sentenceOf } from './foreign.js';
import { headlineOf } from './headline.js';
import { labelOf, settingLabels } from './labels.js';
import { noteGroups, warningsOf } from './notes.js';
import { flagWords } from './quiet-notes.js';
import { report } from './report.js';
import type { Chart, Drawn, Exclusion, Lead, Page } from './page-types.js';
import { unknownOf } from './unknown.js';

export type * from './page-types.js';
export type * from './report-types.js';

export function page(summary: Summary, ledger: Ledger, lead: Lead | null = null): Page {
  const views = placeViews(summary, ledger);
  const of = (make: (view: (typeof views)[number]) => Drawn | null): readonly Drawn[] =>
    views.flatMap((view) => make(view) ?? []);
  const groups = noteGroups(summary, ledger);
  const { grave, caveats, usual } = groups;
  const whole = report(summary, ledger, groups);
  const exclusions = exclusionsOf(summary);
  return {
    // Warnings and what cannot be known stand in lists of their own.
    report: { ...whole, notes: [...grave, ...usual] },
    headline: lead?.headline ?? headlineOf(whole),
    lead,
    places: views.map(({ place }) => place),
    charts: numbered([
      ...of(ratioChart),
      ...of(phaseChart),
      ...of((view) => orderChart(view, ledger, views.length)),
      ...of((view) => spreadChart(view, views.length)),
      ...of((view) => memoryChart(view, ledger)),
      ...of(latencyChart),
      ...of(speedChart),
      ...curveCharts(summary, ledger),
      ...of((view) => rooflineChart(view, ledger)),
    ]),
    strategy: warningsOf(summary),
    exclusions,
    samples: {
      total: summary.samples.total,
      excluded: summary.samples.invalid + summary.samples.mismatch + summary.samples.failed,
      disturbed: summary.noise.disturbed,
    },
    disturbances: summary.noise.by.map(({ flag, samples }) => ({ what: flagWords[flag], samples })),
    unknown: [...caveats, ...unknownOf(summary, ledger)],
    environment: environmentOf(ledger),
    command: commandLine(ledger.run.command),
  };
}

function numbered(charts: readonly Drawn[]): readonly Chart[] {
  return charts.map((chart, index) => ({ id: `chart${index + 1}`, ...chart }));
}

function exclusionsOf(summary: Summary): readonly Exclusion[] {
  return summary.cells.flatMap(({ arm, setting, state, memoryState, reasons }) => {
    const { model, label } = settingLabels(summary, setting);
    const place = [model, label ?? '', state, `free memory ${memoryState}`].filter((word) => word !== '').join(' · ');
    return toldOnce(reasons).map(({ outcome, reason, count }) => ({
      ...{ loader: labelOf(arm), place, count, outcome, reason: sentenceOf(describe(reason)) },
    }));
  });
}
