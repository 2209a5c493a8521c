/** From a run and its baselines to what `verdict.json` says. */
import { counted, duration, enumeration } from '../report/format.js';
import type { RunRecord } from '../samples/record.js';
import { ALPHA } from '../statistics/sign-test.js';
import type { BaselineCeiling, BaselineEntry, BaselineFile } from './baseline-types.js';
import { LEAST_BASELINES, placeKey } from './check.js';
import { VERDICT_SCHEMA, type ComparisonResult, type VerdictFile } from './verdict-types.js';
import { gravest } from './words.js';

export interface Checked {
  readonly run: RunRecord;
  /** The run's own figures. */
  readonly own: BaselineFile;
  readonly baselines: readonly BaselineFile[];
  readonly comparisons: readonly ComparisonResult[];
  /** Baselines of other machines that were not taken, beside those of this one. */
  readonly leftOut: number;
  readonly acrossMachines: boolean;
}

/**
 * Those of the run's own machine, where there are any: machines are never pooled. Else all of them, and all where others
 * shall count.
 */
export function comparableBaselines(
  baselines: readonly BaselineFile[],
  fingerprint: string,
  acrossMachines: boolean,
): readonly BaselineFile[] {
  const own = baselines.filter(({ provenance }) => provenance.fingerprint === fingerprint);
  return own.length === 0 || acrossMachines ? baselines : own;
}

export function checkVerdict({ run, own, baselines, comparisons, leftOut, acrossMachines }: Checked): VerdictFile {
  const others = [...new Set(baselines.map(({ provenance }) => provenance.fingerprint))].filter(
    (fingerprint) => fingerprint !== run.machine.fingerprint,
  );
  const [first] = baselines;
  const names = (files: readonly BaselineFile[]): string =>
    files.map(({ provenance }) => `${provenance.startedAt.slice(0, 10)}${commitOf(provenance.commit)}`).join(', ');
  return {
    ...{ kind: 'verdict', schema: VERDICT_SCHEMA, tool: run.tool, how: 'check' },
    verdict: gravest(comparisons),
    advisory:
      others.length === 0 || acrossMachines
        ? null
        : `The baseline is of another machine (${enumeration(others)}, this run of ${run.machine.fingerprint}): the verdict is told and fails nothing; --across-machines lets it count.`,
    startedAt: run.startedAt,
    fingerprint: run.machine.fingerprint,
    model: Object.values(run.models)
      .map(({ path }) => path)
      .join(', '),
    base: {
      name: baselines.length === 1 ? 'stored baseline' : `${baselines.length} stored baselines`,
      detail: `${names(baselines)}; build ${first?.provenance.addon ?? ''}`,
    },
    head: { name: 'run', detail: `${run.startedAt.slice(0, 10)}; build ${run.runtime.addon}` },
    alpha: ALPHA,
    comparisons,
    notes: [
      ...(leftOut === 0
        ? []
        : [`${counted(leftOut, 'baseline')} of other machines left out: there are baselines of this one.`]),
      ...noiseNotes(comparisons, baselines.length),
      ...missingNotes(own.entries, baselines),
      ...ceilingNotes(own.ceilings, baselines),
    ],
  };
}

function commitOf(commit: string | null): string {
  return commit === null ? '' : ` (${commit.slice(0, 10)}${commit.endsWith('-dirty') ? '-dirty' : ''})`;
}

function noiseNotes(comparisons: readonly ComparisonResult[], baselines: number): readonly string[] {
  const unknown = comparisons.some(({ verdict, noiseFloor, confidence, ratio, smallestChange }) => {
    return (
      verdict === 'inconclusive' &&
      noiseFloor === null &&
      confidence === null &&
      ratio !== null &&
      smallestChange === null
    );
  });
  if (!unknown || baselines >= LEAST_BASELINES) return [];
  return [
    `How far runs of two days differ is not known from ${baselines === 1 ? 'one baseline' : `${baselines} baselines`}: give ${LEAST_BASELINES} or more (--baseline DIR), or measure this machine with weighbridge aa; weighbridge ab needs neither.`,
  ];
}

function missingNotes(entries: readonly BaselineEntry[], baselines: readonly BaselineFile[]): readonly string[] {
  const mine = new Set(entries.map(placeKey));
  const theirs = baselines.flatMap((file) => file.entries);
  const known = new Set(theirs.map(placeKey));
  const words = (list: readonly BaselineEntry[]): string => {
    const all = [...new Set(list.map(({ label, state }) => `${label} ${state}`))];
    return all.length > 6 ? `${all.slice(0, 6).join(', ')} and ${all.length - 6} more` : all.join(', ');
  };
  const hasFigures = ({ ok, failed }: BaselineEntry): boolean => ok + failed > 0;
  const unweighed = theirs.filter((entry) => hasFigures(entry) && !mine.has(placeKey(entry)));
  const isNew = entries.filter((entry) => hasFigures(entry) && !known.has(placeKey(entry)));
  return [
    ...(unweighed.length === 0 ? [] : [`In the baseline and not in this run: ${words(unweighed)}.`]),
    ...(isNew.length === 0 ? [] : [`In this run and not in the baseline: ${words(isNew)}.`]),
  ];
}

/** What the limits themselves did between the days: that is what costs are divided by. */
function ceilingNotes(ceilings: readonly BaselineCeiling[], baselines: readonly BaselineFile[]): readonly string[] {
  return ceilings.flatMap(({ model, state, memoryState, limit, medianNs }) => {
    const then = baselines
      .flatMap((file) => file.ceilings)
      .filter((other) => other.model === model && other.state === state && other.memoryState === memoryState)
      .map((other) => other.medianNs);
    if (then.length === 0) return [];
    return [
      `Ceiling ${limit}, ${state} (${memoryState}): ${duration(medianNs)} in this run, ${then.map(duration).join(', ')} in the baseline.`,
    ];
  });
}
