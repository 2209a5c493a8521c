/**
 * node scripts/check-merged.mjs MERGED WHOLE: exits with 1 unless the run in MERGED, put together of shards, has the plan,
 * the samples and the summary's structure of the run in WHOLE, which one process weighed. Times differ, and retries do.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

const [merged, whole] = process.argv.slice(2).map(runIn);
if (merged === undefined || whole === undefined) {
  process.stderr.write('usage: node scripts/check-merged.mjs MERGED WHOLE\n');
  process.exit(2);
}

function runIn(directory) {
  const lines = readFileSync(join(directory, 'ledger.jsonl'), 'utf8').split('\n').filter(Boolean);
  const [run, ...records] = lines.map((line) => JSON.parse(line));
  return { run, records, summary: JSON.parse(readFileSync(join(directory, 'summary.json'), 'utf8')) };
}

/** What a sample is of: an invalid one is tried again, with the same partners, under another number. */
const sampled = ({ records }) => [
  ...new Set(
    records
      .filter(({ kind }) => kind === 'sample' || kind === 'group')
      .map(({ kind, pass, round, block, arm, state, memoryState, load, process }) =>
        JSON.stringify([kind, pass, round, block, arm.id, state, memoryState, load, process?.index ?? null]),
      ),
  ),
];

/** A sample that stands there twice: no place of a run is weighed twice under one number. */
const doubles = ({ records }) => {
  const seen = new Set();
  return records
    .filter(({ kind }) => kind === 'sample' || kind === 'group')
    .map(({ kind, pass, round, block, attempt, position, load, process }) =>
      JSON.stringify([kind, pass, round, block, attempt, position, load, process?.index ?? null]),
    )
    .filter((place) => seen.has(place) || !seen.add(place));
};

/** Ranking follows the times: the order of cells is left out. */
const cells = ({ summary }) =>
  summary.cells
    .map(({ arm, setting, isReference, state, memoryState, load, ...figures }) =>
      JSON.stringify([arm.id, setting, isReference, state, memoryState, load, Object.keys(figures)]),
    )
    .sort();

const end = ({ records }) => records.at(-1)?.stopped ?? null;
const blocks = ({ records }) => new Set(records.map(({ pass, round, block }) => `${pass} ${round} ${block}`)).size;

const aspects = {
  plan: ({ run }) => run.plan,
  arms: ({ run }) => run.arms,
  models: ({ run }) => run.models,
  'reference hashes': ({ run }) => run.referenceHashes,
  machine: ({ run }) => run.machine.fingerprint,
  samples: (run) => sampled(run).sort(),
  'samples that are there twice': doubles,
  cells,
  end,
};

const wrong = Object.entries(aspects).filter(([, of]) => !isDeepStrictEqual(of(merged), of(whole)));
for (const [name, of] of wrong) {
  const [a, b] = [of(merged), of(whole)].map((value) => JSON.stringify(value));
  process.stdout.write(`${name} differ:\n  merged ${a.slice(0, 2000)}\n  whole  ${b.slice(0, 2000)}\n`);
}
const shards = merged.run.merged?.shards.length ?? 0;
process.stdout.write(
  `${shards} shards merged: ${sampled(merged).length} samples and groups in ${blocks(merged)} blocks, ${cells(merged).length} cells; ` +
    `${wrong.length === 0 ? 'equal to the unsharded run in plan, samples and summary structure' : 'not equal to the unsharded run'}\n`,
);
process.exitCode = wrong.length === 0 && shards > 0 ? 0 : 1;
