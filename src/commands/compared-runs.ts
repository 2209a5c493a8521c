/** The runs that `compare` is given: DIR or NAME=DIR each, with a name that no other has. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { UsageError } from '../failure.js';
import type { NamedRun } from '../report/compare.js';
import { nameOf } from '../report/foreign.js';
import { shortened } from '../report/looks.js';
import { LEDGER_FILE, readLedger } from '../samples/ledger.js';
import { summarize } from '../statistics/summarize.js';
import { runDirectory } from './run-directory.js';

const EXAMPLE = 'weighbridge compare before=DIR after=DIR';
/** Longer ones fit neither a table nor the axis of a chart. */
const LONGEST_NAME = 20;

interface Word {
  /** Null where it is to be made of the directory's. */
  readonly name: string | null;
  /** As it was given. */
  readonly given: string;
  readonly directory: string;
}

interface Named extends Word {
  readonly name: string;
}

/** In the order named. Throws UsageError where fewer than two different runs with different names are left. */
export function comparedRuns(words: readonly string[]): readonly NamedRun[] {
  if (words.length < 2) {
    const found = words.length === 0 ? 'none is named' : 'one is named';
    throw new UsageError(`a comparison is of two runs or more, and ${found}: ${EXAMPLE}`);
  }
  const named = withShortNames(words.map(parse));
  for (const [index, { name, given }] of named.entries()) {
    const other = named.slice(0, index).find((each) => each.name === name);
    if (other !== undefined) {
      throw new UsageError(`${other.given} and ${given} would both be called ${name}; name them: ${EXAMPLE}`);
    }
  }
  const runs = named.map(({ name, given, directory }): NamedRun => {
    refuseOtherDirectories(directory);
    const { ledger } = readLedger(directory);
    return { name, directory: given, ledger, summary: summarize(ledger) };
  });
  for (const [index, run] of runs.entries()) {
    const other = runs.slice(0, index).find((each) => identityOf(each) === identityOf(run));
    if (other !== undefined) {
      const { startedAt } = run.ledger.run;
      throw new UsageError(
        `${other.name} and ${run.name} are one run (started ${startedAt}); name two that were made apart`,
      );
    }
  }
  return runs;
}

/** A directory may have = in its name: what exists as it is given is no NAME=DIR. */
function parse(word: string): Word {
  const at = word.indexOf('=');
  const name = word.slice(0, at);
  if (at < 0 || name.includes('/') || existsSync(resolve(word))) {
    return { name: null, given: word, directory: runDirectory(word) };
  }
  const path = word.slice(at + 1);
  if (name.trim() === '') throw new UsageError(`${word}: no name stands before the =; write NAME=DIR, as ${EXAMPLE}`);
  if (path === '') throw new UsageError(`${word}: no directory stands behind the =; write NAME=DIR, as ${EXAMPLE}`);
  const told = nameOf(name);
  if (told.length > LONGEST_NAME) {
    throw new UsageError(`${told}: a name of a run has at most ${LONGEST_NAME} characters; give it a shorter one`);
  }
  return { name: told, given: path, directory: runDirectory(path) };
}

/** Names of directories, as long as they fit: words behind a - that all of them end with say nothing. */
function withShortNames(words: readonly Word[]): readonly Named[] {
  const unnamed = words.filter(({ name }) => name === null).map(({ directory }) => basename(directory).split('-'));
  let common = 0;
  while (
    unnamed.length > 1 &&
    unnamed.every((parts) => common + 1 < parts.length && parts.at(-1 - common) === unnamed[0]?.at(-1 - common))
  ) {
    common += 1;
  }
  return words.map(({ name, given, directory }) => {
    const whole = basename(directory);
    const short =
      whole.length <= LONGEST_NAME
        ? whole
        : whole
            .split('-')
            .slice(0, -common || undefined)
            .join('-');
    return { name: name ?? shortened(nameOf(short), LONGEST_NAME), given, directory };
  });
}

/** A run that was copied or moved is the same run still. */
function identityOf({ ledger: { run } }: NamedRun): string {
  return JSON.stringify([run.startedAt, run.machine.fingerprint, run.seed]);
}

/** Directories that hold runs and are none: the ledgers lie below. */
function refuseOtherDirectories(directory: string): void {
  if (existsSync(join(directory, LEDGER_FILE))) return;
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  const below = readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(directory, entry.name, LEDGER_FILE)))
    .map(({ name }) => name)
    .sort();
  const [first] = below;
  if (existsSync(join(directory, 'claims.json'))) {
    const parts =
      first === undefined ? 'none of its parts has a ledger' : `name one of its parts (${below.join(', ')})`;
    throw new UsageError(
      `${directory}: this is a directory of claims, each part of which is a run of its own; ${parts}`,
    );
  }
  if (first === undefined) return;
  const shown = below.length > 4 ? `${below.slice(0, 4).join(', ')} and ${below.length - 4} more` : below.join(', ');
  throw new UsageError(`${directory}: this is no run, but holds some (${shown}); name the ones that are meant`);
}
