/**
 * Ledgers of several commits, machines or models side by side. Pure: equal ledgers and equal stored noise, equal comparison.
 * Different machines are never pooled and only divided by each other after each was divided by its own ceilings; runs of one
 * machine are no neighbours in time, so that their ratio carries the noise floor and is no verdict.
 */
import { commandLine } from './environment.js';
import { ratesCharts, runsCharts, sharesChart, type Looks } from './compare-charts.js';
import { sharedPlaces, type NamedRun } from './compare-cells.js';
import { differencesOf } from './compare-differences.js';
import { notesOf, unknownOf } from './compare-notes.js';
import type { NoiseOf, Standing } from './compare-rows.js';
import { acrossModels, headingOf, lacksOf, ratesOf, sectionOf } from './compare-sections.js';
import type { ComparedMachine, ComparedRun, Comparison } from './compare-types.js';
import { headlineOf, type Told } from './compare-words.js';
import type { Arm } from '../samples/record.js';
import { nameOf } from './foreign.js';
import { counted } from './format.js';
import { labelOf, modelLabel } from './labels.js';
import { looksOfLabels } from './looks.js';
import { machineLine } from './notes.js';
import type { Chart, Drawn, Place } from './page-types.js';

export type * from './compare-types.js';
export type { NamedRun, PlacedCell } from './compare-cells.js';
export type { NoiseOf } from './compare-rows.js';

/** Two runs or more, each with a name of its own. */
export function compare(named: readonly NamedRun[], noiseOf: NoiseOf): Comparison {
  const runs = named.map(({ name, ledger }): Standing => ({
    name: nameOf(name),
    fingerprint: nameOf(ledger.run.machine.fingerprint),
  }));
  const machines = machinesOf(named, runs);
  const places = sharedPlaces(named);
  const severalModels = new Set(places.map(({ digest }) => digest)).size > 1;
  const told = places.map((place): Told => {
    const section = sectionOf(place, runs, noiseOf, severalModels);
    return { place, rows: section.rows, runs, section };
  });
  const looks = looksOfLabels(labelsOf(named));
  const charts = chartsOf(told, runs, machines, looks);
  const sections = told.map(({ section }) => section);
  return {
    title: `weighbridge compare · ${counted(runs.length, 'run')} of ${counted(machines.length, 'machine')}`,
    headline: headlineOf(runs, machines, told, severalModels),
    runs: named.map((run, index) => runOf(run, runs[index], machines)),
    machines,
    ...differencesOf(
      named.map(({ ledger }) => ledger),
      runs.map(({ name }) => name),
    ),
    sections,
    rates: ratesOf(places, runs),
    lacks: lacksOf(sections, runs),
    places: placesOf(charts),
    charts,
    notes: notesOf(named, sections, machines),
    unknown: unknownOf(named),
  };
}

/** Those that charts show first, so that they have the colours that are farthest apart. */
function labelsOf(named: readonly NamedRun[]): readonly string[] {
  const arms = named.flatMap(({ ledger: { run } }) =>
    [...run.plan.arms, ...Object.keys(run.arms)].flatMap((id) => run.arms[id] ?? []),
  );
  const isShown = ({ kind, work }: Arm): boolean => kind === 'loader' && work !== 'none';
  return [...arms.filter(isShown), ...arms].map(labelOf);
}

function machinesOf(named: readonly NamedRun[], runs: readonly Standing[]): readonly ComparedMachine[] {
  const fingerprints = [...new Set(runs.map(({ fingerprint }) => fingerprint))];
  return fingerprints.map((fingerprint, index) => {
    const first = runs.findIndex((run) => run.fingerprint === fingerprint);
    const facts = named[first]?.ledger.run.machine;
    return {
      name: `machine ${index + 1}`,
      fingerprint,
      line: facts === undefined ? '' : machineLine(facts),
      runs: runs.filter((run) => run.fingerprint === fingerprint).map(({ name }) => name),
    };
  });
}

function runOf(
  { directory, ledger: { run }, summary }: NamedRun,
  standing: Standing | undefined,
  machines: readonly ComparedMachine[],
): ComparedRun {
  const { total, invalid, failed, mismatch } = summary.samples;
  return {
    name: standing?.name ?? '',
    directory: nameOf(directory),
    startedAt: nameOf(run.startedAt),
    tool: nameOf(run.tool),
    machine: machines.findIndex(({ fingerprint }) => fingerprint === standing?.fingerprint),
    models: run.plan.models.flatMap((id) => {
      const record = run.models[id];
      return record === undefined ? [] : [modelLabel(record, Object.values(run.models))];
    }),
    samples: { total, excluded: invalid + failed + mismatch, disturbed: summary.noise.disturbed },
    stopped: summary.stopped,
    command: commandLine(run.command),
  };
}

function chartsOf(
  told: readonly Told[],
  runs: readonly Standing[],
  machines: readonly ComparedMachine[],
  looks: Looks,
): readonly Chart[] {
  const compared = told.filter(({ section }) => section.runs.length > 1);
  const drawn = [
    ...compared.flatMap(({ place, section }) => runsCharts(place, section, runs, machines, looks)),
    ...compared.flatMap(({ section }) => sharesChart(section, runs, machines, looks) ?? []),
    ...acrossModels(told.map(({ place }) => place)).flatMap((alike) =>
      ratesCharts(headingOf(alike[0], false), alike, runs, machines, looks),
    ),
  ];
  return drawn.map((chart: Drawn, index) => ({ id: `chart${index + 1}`, ...chart }));
}

function placesOf(charts: readonly Chart[]): readonly Place[] {
  const found = new Map(charts.flatMap(({ places }) => places.map((place) => [JSON.stringify(place), place] as const)));
  return [...found.values()];
}
