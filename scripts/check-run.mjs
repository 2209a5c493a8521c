/**
 * Checks what `weighbridge run --json` printed: every sample is ok or says why not, every cell has one that is ok unless
 * it is unsupported, hashes are the reference's, cold samples began with nothing of the model in the page cache, warm
 * ones with all of it and without a read.
 * Usage: node scripts/check-run.mjs FILE
 */
import { readFileSync } from 'node:fs';

const { run, samples, summary } = JSON.parse(readFileSync(process.argv[2], 'utf8'));

function problemsOf(sample) {
  const problems = [];
  const { outcome, reason, state, residency, phases } = sample;
  const arm = run.arms[sample.arm.id];
  if (outcome !== 'ok') {
    if (typeof reason?.code !== 'string' || !reason.message) problems.push(`${outcome} without a reason`);
    if (outcome === 'failed' || outcome === 'mismatch') problems.push(`${outcome}: ${reason?.message}`);
    return problems;
  }
  if (reason !== null) problems.push('ok with a reason');
  const key = arm.work === 'touch' ? 'touch' : `${arm.isa} p${arm.prompt} g${arm.generate}`;
  const expected = run.referenceHashes?.[`${arm.model} ${key}`] ?? null;
  if (sample.logitsHash !== (arm.work === 'infer' ? expected : null)) problems.push(`hash ${sample.logitsHash}`);
  if (sample.contentHash !== (arm.work === 'touch' ? expected : null)) problems.push(`content ${sample.contentHash}`);
  if (['infer', 'touch'].includes(arm.work) && expected === null) problems.push('no reference hash');
  if (state === 'cold' && residency?.before !== null && residency?.before !== 0) {
    problems.push(`cold, yet ${residency.before} bytes were resident`);
  }
  if (state === 'warm') {
    if (residency?.before !== residency?.size)
      problems.push(`warm, yet ${residency?.before} of ${residency?.size} resident`);
    const reads = ['open', 'acquire', 'firstToken'].reduce((sum, name) => sum + (phases?.[name]?.readBytes ?? 0), 0);
    if (reads > 0) problems.push(`warm, yet it read ${reads} bytes`);
  }
  return problems;
}

const found = samples.flatMap((sample) =>
  problemsOf(sample).map((problem) => `${sample.arm.id} ${sample.state} round ${sample.round}: ${problem}`),
);
if (samples.length === 0) found.push('no sample');
if (!Array.isArray(summary?.cells) || summary.cells.length === 0) found.push('no cell in the summary');
const cells = new Map();
for (const { pass, arm, state, memoryState, outcome } of samples) {
  const cell = `${arm.id} ${state} ${memoryState} ${pass}`;
  cells.set(cell, [...(cells.get(cell) ?? []), outcome]);
}
for (const [cell, outcomes] of cells) {
  if (!outcomes.includes('ok') && !outcomes.includes('unsupported')) found.push(`${cell}: no sample is ok`);
}
for (const line of found) process.stdout.write(`${line}\n`);
const outcomes = new Map();
for (const { outcome } of samples) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
const tally = [...outcomes].map(([outcome, count]) => `${count} ${outcome}`).join(', ');
process.stdout.write(`${samples.length} samples: ${tally}; ${found.length} problems\n`);
process.exitCode = found.length === 0 ? 0 : 1;
