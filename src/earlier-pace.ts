/** How long a plan will take: the pace of an earlier run of the same work on this machine. Without one nobody can tell. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from './failure.js';
import { machineFacts } from './machine.js';
import { settingsOf } from './plan/settings.js';
import type { Planned } from './plan/plan.js';
import { readLedger } from './samples/ledger.js';
import type { Ledger } from './samples/record.js';

export interface EarlierPace {
  /** Of the run. */
  readonly directory: string;
  /** From the start of a sample to that of the next, preparation included. */
  readonly secondsASample: number;
}

/** Directories that are looked at, the newest first by their names. */
const MOST_RUNS = 20;
/** Fewer samples may all be of one kind. */
const LEAST_SAMPLES = 10;
/** A gap so many times the usual one is an interruption. */
const INTERRUPTION = 10;

/** The newest run under `folder` of the same models, states, threads, processes and tokens; null where there is none. */
export function earlierPace(planned: Planned, folder: string): EarlierPace | null {
  const { fingerprint } = machineFacts(Object.values(planned.models)[0]?.path);
  const work = workOf(planned);
  for (const directory of runsIn(folder)) {
    const ledger = ledgerIn(directory);
    if (ledger === null || ledger.run.machine.fingerprint !== fingerprint || workOf(ledger.run) !== work) continue;
    const secondsASample = paceOf(ledger);
    if (secondsASample !== null) return { directory, secondsASample };
  }
  return null;
}

function runsIn(folder: string): readonly string[] {
  try {
    const names = readdirSync(folder).sort().reverse();
    return names.slice(0, MOST_RUNS).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function ledgerIn(directory: string): Ledger | null {
  try {
    return readLedger(directory).ledger;
  } catch (error) {
    if (error instanceof UsageError) return null;
    throw error;
  }
}

/** What the time of a sample depends on, but for the loader. */
function workOf({ plan, arms, models }: Pick<Planned, 'plan' | 'arms' | 'models'>): string {
  const settings = settingsOf(plan, arms).map(({ threads, context, processes, memoryLimit, pressure, numa }) =>
    JSON.stringify([threads, context, processes, memoryLimit?.bytes ?? null, pressure, numa]),
  );
  const works = Object.values(arms).map(({ kind, work, prompt, generate }) => `${kind} ${work} ${prompt} ${generate}`);
  return JSON.stringify([
    Object.values(models).map(({ headerDigest, bytes }) => [headerDigest, bytes]),
    [...new Set(plan.states)].sort(),
    [...new Set(plan.memoryStates)].sort(),
    [...new Set(settings)].sort(),
    [...new Set(works)].sort(),
  ]);
}

function paceOf({ samples }: Ledger): number | null {
  const starts = samples.map(({ startedAt }) => Date.parse(startedAt)).sort((a, b) => a - b);
  const gaps = starts.slice(1).map((at, index) => (at - (starts[index] ?? at)) / 1000);
  const usual = gaps.toSorted((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? 0;
  const known = gaps.filter((gap) => gap <= INTERRUPTION * Math.max(1, usual));
  if (known.length < LEAST_SAMPLES - 1) return null;
  return known.reduce((sum, gap) => sum + gap, 0) / known.length;
}
