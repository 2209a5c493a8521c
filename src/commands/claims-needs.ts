/** What weighing the claims needs of disk, memory and time: said before it starts, and refused where it is not there. */
import { statSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { UsageError } from '../failure.js';
import { counted, size } from '../report/format.js';
import { wrap } from '../wrap.js';

export interface Needs {
  readonly modelBytes: number;
  /** Where the model will be written; null where it is there. */
  readonly writeTo: string | null;
  /** Where the bystander's file will be for a while, and the ledgers. */
  readonly outDirectory: string;
  readonly bystanderBytes: number;
  readonly availableBytes: number | null;
  /** Key-value cache and scratch memory. */
  readonly sessionBytes: number;
  readonly budgetSeconds: number;
}

/** Kept free for the runtime and for everything else on the machine. */
const RESERVE = 512 * 2 ** 20;
/** Free disk that stays, as a share of what is written. */
const SPARE = 1.05;

/** A copy that is loaded from a warm page cache needs the model twice. */
export const warmCopyBytes = ({ modelBytes, sessionBytes }: Needs): number => 2 * modelBytes + sessionBytes + RESERVE;
export const copyBytes = ({ modelBytes, sessionBytes }: Needs): number => modelBytes + sessionBytes + RESERVE;
/** Of a map, whose pages the kernel may take back. */
const leastBytes = ({ sessionBytes }: Needs): number => sessionBytes + RESERVE;

export const fits = (bytes: number, { availableBytes }: Needs): boolean =>
  availableBytes === null || bytes <= availableBytes;

/** Lines for people. `leastSeconds`: what the rounds take that always run. */
export function needsText(needs: Needs, leastSeconds: number): string {
  const { writeTo, bystanderBytes, availableBytes, modelBytes } = needs;
  const disk = [
    ...(writeTo === null ? [] : [`${size(modelBytes)} for the model, which is kept`]),
    `${size(bystanderBytes)} for a bystander's file, for a while`,
  ];
  const available =
    availableBytes === null ? 'how much is available is not known' : `${size(availableBytes)} available`;
  const memory = `${size(leastBytes(needs))} at least, ${size(copyBytes(needs))} to copy the model, ${size(warmCopyBytes(needs))} with its file cached (${available})`;
  const lines = [
    ['disk    ', disk.join('; ')],
    ['memory  ', memory],
    ['time    ', timeText(leastSeconds, needs.budgetSeconds)],
  ] as const;
  return lines.map(([name, text]) => wrap(text, COLUMNS, ' '.repeat(name.length), name)).join('\n');
}

/** The first round of every part always runs, so that a budget is no bound where it is smaller. */
function timeText(leastSeconds: number, budgetSeconds: number): string {
  const least = `at least about ${seconds(leastSeconds)}, for the first round of every part that a verdict rests on`;
  return budgetSeconds > leastSeconds
    ? `${least}; the rest up to the budget of ${seconds(budgetSeconds)}`
    : `${least}: the budget of ${seconds(budgetSeconds)} has no room for more, and most claims will have too few values for a verdict`;
}

/** Two digits: nobody knows it better. */
function seconds(value: number): string {
  if (value >= 600) return counted(Math.round(value / 60), 'minute');
  const unit = value < 100 ? 1 : 10;
  return `${Math.ceil(value / unit) * unit} s`;
}

const COLUMNS = 80;

/** Throws UsageError where disk or memory cannot suffice for any of it. */
export function refuseShort(needs: Needs): void {
  const { writeTo, outDirectory, modelBytes, bystanderBytes } = needs;
  const files = [
    ...(writeTo === null ? [] : [{ directory: dirname(writeTo), bytes: modelBytes, what: 'the model' }]),
    { directory: outDirectory, bytes: bystanderBytes, what: "the bystander's file" },
  ];
  // Both on one disk take its room together.
  const disks = files.map(({ directory }) => statSync(existing(directory)).dev);
  for (const disk of new Set(disks)) refuseDisk(files.filter((_, at) => disks[at] === disk));
  if (!fits(leastBytes(needs), needs)) {
    throw new UsageError(
      `memory: needs ${size(leastBytes(needs))} even for a mapped model, ${size(needs.availableBytes ?? 0)} available; free some, or take a smaller --shape`,
    );
  }
}

interface Written {
  readonly directory: string;
  readonly bytes: number;
  readonly what: string;
}

/** Of files that are written to one disk. */
function refuseDisk(files: readonly Written[]): void {
  const [first] = files;
  if (first === undefined) return;
  const { directory } = first;
  const { bavail, bsize } = statfsSync(existing(directory));
  const free = bavail * bsize;
  const needed = SPARE * files.reduce((sum, { bytes }) => sum + bytes, 0);
  if (free >= needed) return;
  const what = files.map((file) => file.what).join(' and ');
  throw new UsageError(
    `${directory}: ${what} ${files.length === 1 ? 'needs' : 'need'} ${size(needed)} of disk, ${size(free)} is free; free some, or take a smaller model`,
  );
}

/** The folder, or the nearest above it that is there. */
function existing(directory: string): string {
  try {
    statfsSync(directory);
    return directory;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(directory) === directory) throw error;
    return existing(dirname(directory));
  }
}

/** Seconds that are enough on an ordinary disk: a part for every sample, and a part by the byte. */
export function usualBudget(modelBytes: number): number {
  return Math.round(245 + (modelBytes / 1e9) * 548);
}
