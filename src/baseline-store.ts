/** Baselines on disk: figures of a run that later ones are held against, kept by users in their repositories. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UsageError } from './failure.js';
import { BASELINE_SCHEMA, type BaselineFile } from './gate/baseline-types.js';
import { ceilingFigures, entriesOf } from './gate/figures.js';
import { LEDGER_FILE, readLedger } from './samples/ledger.js';
import type { Ledger } from './samples/record.js';
import { METRICS, COMMAND_METRICS, COUNTERS } from './statistics/metrics.js';
import { writeWhole } from './whole-file.js';

/** Throws UsageError where nothing can be held against the run. `run`: the directory of the ledger. */
export function baselineOf(ledger: Ledger, run: string, commit: string | null): BaselineFile {
  const figures = figuresOf(ledger, run, commit);
  if (figures.entries.every(({ ok }) => ok === 0)) {
    throw new UsageError(`${run}: the run has no ok sample of a loader or command`);
  }
  return figures;
}

/** Of a run that may have failed throughout. Throws UsageError where no gate takes it. */
export function figuresOf(ledger: Ledger, run: string, commit: string | null): BaselineFile {
  const { plan, tool, runtime, machine, models, startedAt, command } = ledger.run;
  if ((plan.precision ?? null) !== null) {
    throw new UsageError(
      `${run}: the run could stop by the precision of its ratios: it explores, and no gate takes it; weigh without --precision`,
    );
  }
  return {
    kind: 'baseline',
    schema: BASELINE_SCHEMA,
    provenance: {
      ...{ tool, addon: runtime.addon, commit, fingerprint: machine.fingerprint },
      modelPaths: Object.values(models).map(({ path }) => path),
      ...{ startedAt, stopped: ledger.end?.stopped ?? null, command, run },
      writtenAt: new Date().toISOString(),
    },
    ceilings: ceilingFigures(ledger),
    entries: entriesOf(ledger),
  };
}

/** The path of the file, which appears whole or not at all. */
export function writeBaseline(file: string, baseline: BaselineFile): string {
  const path = resolve(file);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
    throw new UsageError(`${path} is a directory; name a file in it, as ${join(path, 'baseline.json')}`);
  }
  writeWhole(path, [`${JSON.stringify(baseline, null, 1)}\n`]);
  return path;
}

/**
 * What continuous integration says, else git, which adds `-dirty` where files differ from their commit; null where neither
 * knows.
 */
export function commitHere(env: NodeJS.ProcessEnv = process.env): string | null {
  const told = [env['GITHUB_SHA'], env['CI_COMMIT_SHA'], env['GIT_COMMIT']].find((text) => (text ?? '') !== '');
  if (told !== undefined) return told;
  try {
    const text = execFileSync('git', ['describe', '--always', '--abbrev=40', '--dirty', '--exclude=*'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return text.trim() === '' ? null : text.trim();
  } catch {
    return null;
  }
}

export interface ReadBaseline {
  readonly path: string;
  readonly baseline: BaselineFile;
}

/**
 * Baselines of files and directories, oldest run first: a directory holds baseline files, or is that of a run, which stands for
 * itself. One run that is named twice counts once: it is no second day. Throws UsageError.
 */
export function readBaselines(places: readonly string[]): readonly ReadBaseline[] {
  const all = places.flatMap((place) => readPlace(resolve(place)));
  const distinct = all.filter(
    ({ baseline }, index) => all.findIndex((other) => identity(other.baseline) === identity(baseline)) === index,
  );
  return distinct.toSorted((a, b) => (identity(a.baseline) < identity(b.baseline) ? -1 : 1));
}

function identity({ provenance: { startedAt, fingerprint } }: BaselineFile): string {
  return `${startedAt} ${fingerprint}`;
}

function readPlace(path: string): readonly ReadBaseline[] {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) {
    throw new UsageError(
      `${path}: there is no such baseline; weighbridge baseline update RUN --baseline ${path} writes one`,
    );
  }
  if (!status.isDirectory()) return [{ path, baseline: parse(path) }];
  if (existsSync(join(path, LEDGER_FILE))) return [{ path, baseline: baselineOf(readLedger(path).ledger, path, null) }];
  const files = readdirSync(path)
    .filter((name) => name.endsWith('.json'))
    .sort();
  if (files.length === 0) throw new UsageError(`${path}: no baseline lies there (no file ends in .json)`);
  return files.map((name) => ({ path: join(path, name), baseline: parse(join(path, name)) }));
}

function parse(path: string): BaselineFile {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const detail =
      error instanceof SyntaxError
        ? 'it is not JSON'
        : `it cannot be read (${String((error as NodeJS.ErrnoException).code)})`;
    throw new UsageError(`${path}: ${detail}; weighbridge baseline update writes a baseline`);
  }
  const wrong = complaintOf(value);
  if (wrong !== null) throw new UsageError(`${path}: ${wrong}; weighbridge baseline update writes a baseline`);
  return value as BaselineFile;
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): boolean => typeof value === 'string';
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

/** What is wrong with a baseline as read; null for nothing. */
function complaintOf(value: unknown): string | null {
  if (!isFields(value) || value['kind'] !== 'baseline') return 'it is no baseline';
  if (value['schema'] !== BASELINE_SCHEMA) {
    return `its schema is ${String(value['schema'])}, this version reads ${BASELINE_SCHEMA}`;
  }
  const { provenance, entries, ceilings } = value;
  const told = ['tool', 'addon', 'fingerprint', 'startedAt', 'writtenAt', 'run'];
  if (!isFields(provenance) || !told.every((name) => isText(provenance[name]))) return 'its provenance is incomplete';
  const { commit, modelPaths } = provenance;
  if (!(commit === null || isText(commit)) || !Array.isArray(modelPaths) || !modelPaths.every(isText)) {
    return 'its provenance is incomplete';
  }
  if (!Array.isArray(ceilings) || !Array.isArray(entries)) return 'it holds no figures';
  if (!(ceilings as readonly unknown[]).every(isCeiling)) return 'a ceiling is incomplete';
  for (const entry of entries as readonly unknown[]) {
    const wrong = complaintOfEntry(entry);
    if (wrong !== null) return wrong;
  }
  return null;
}

function isCeiling(ceiling: unknown): boolean {
  const texts = ['model', 'state', 'memoryState', 'limit'];
  return isFields(ceiling) && texts.every((name) => isText(ceiling[name])) && Number(ceiling['medianNs']) > 0;
}

function complaintOfEntry(entry: unknown): string | null {
  const texts = ['key', 'label', 'model', 'state', 'memoryState'];
  if (!isFields(entry) || !texts.every((name) => isText(entry[name]))) return 'an entry is incomplete';
  const { metrics } = entry;
  if (!['modelBytes', 'ok', 'failed'].every((name) => isCount(entry[name])) || !isFields(metrics)) {
    return `its entry ${JSON.stringify(entry['key'])} is incomplete`;
  }
  const known: readonly string[] = [...METRICS, ...COMMAND_METRICS, ...COUNTERS];
  for (const [name, metric] of Object.entries(metrics)) {
    const counter = COUNTERS.some((each) => each === name);
    const isList = (list: unknown, least: (figure: number) => boolean): boolean =>
      Array.isArray(list) &&
      list.length > 0 &&
      list.every((figure) => Number.isFinite(figure) && least(Number(figure)));
    const above = (figure: number): boolean => (counter ? figure >= 0 : figure > 0);
    const figures = isFields(metric) ? metric : {};
    const normal = figures['normalized'];
    if (
      !known.includes(name) ||
      !isList(figures['values'], above) ||
      (normal !== null && !isList(normal, (one) => one > 0))
    ) {
      return `its figures of ${name} are no numbers above 0`;
    }
  }
  return null;
}
