import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { root, runNode } from '../command.js';
import { aaLedger, type Recording } from '../statistics/aa-ledger.js';

const folder = mkdtempSync(join(tmpdir(), 'weighbridge-rates-'));
test.after.always(() => {
  rmSync(folder, { recursive: true, force: true });
});
const script = join(root, 'scripts', 'error-rates.mjs');

function recorded(name: string, recording: Recording, precision: number | null = null): string {
  const { run: made, samples, end } = aaLedger(recording);
  const run = { ...made, plan: { ...made.plan, precision } };
  const directory = join(folder, name);
  mkdirSync(directory);
  writeFileSync(
    join(directory, 'ledger.jsonl'),
    `${[run, ...samples, end].map((r) => JSON.stringify(r)).join('\n')}\n`,
  );
  return directory;
}

interface Rates {
  readonly equals: { readonly alarms: number };
  readonly bare: { readonly alarms: number };
  readonly changes: readonly { readonly allows: boolean; readonly twiceThreshold: { readonly regressed: number } }[];
  readonly drifts: readonly { readonly drift: number; readonly interleaved: number; readonly blocked: number }[];
}

test('on a quiet machine equals pass, twice the threshold is found, and only blocked order takes drift for a change', async (t) => {
  const json = join(folder, 'rates.json');
  const run = recorded('quiet', { rounds: 60, sd: 0.02, states: ['cold', 'warm'] });
  const { code, stdout, stderr } = await runNode([script, run, '--gates', '300', '--json', json]);
  t.is(code, 0, stdout + stderr);
  t.regex(stdout, /All bounds are kept/);
  const rates = JSON.parse(readFileSync(json, 'utf8')) as Rates;
  t.true(rates.equals.alarms <= 0.01 && rates.bare.alarms <= 0.02);
  t.is(rates.changes.length, 6);
  t.true(rates.changes.every(({ allows, twiceThreshold }) => allows && twiceThreshold.regressed >= 0.95));
  const worst = rates.drifts.at(-1);
  t.true(worst !== undefined && worst.interleaved <= 0.01 && worst.blocked > 0.95);
});

test('on a noisy machine twice the threshold is not found: it is not allowed by the spread, and no bound is broken', async (t) => {
  const json = join(folder, 'noisy.json');
  const { code, stdout } = await runNode([
    ...[script, recorded('noisy', { rounds: 60, sd: 0.4 }), '--gates', '200', '--json', json],
  ]);
  t.is(code, 0, stdout);
  const rates = JSON.parse(readFileSync(json, 'utf8')) as Rates;
  t.true(rates.changes.every(({ allows, twiceThreshold }) => !allows && twiceThreshold.regressed < 0.5));
});

test('what is no A/A run of 40 pairs is one line and exit code 2', async (t) => {
  const precise = recorded('precise', { rounds: 40 }, 0.05);
  for (const args of [
    [],
    ['/nowhere'],
    [precise],
    [recorded('few', { rounds: 10 })],
    [folder, '--gates', '0'],
    ['--what'],
  ]) {
    const { code, stdout, stderr } = await runNode([script, ...args]);
    t.is(code, 2, stderr);
    t.is(stdout, '');
    t.regex(stderr, /^error-rates: [^\n]+\n$/);
  }
});
