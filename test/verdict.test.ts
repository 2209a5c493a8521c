/** The exit code of a run, from what its ledger holds. */
import test from 'ava';
import type { Arm, Sample } from '../src/samples/record.js';
import { report } from '../src/report/report.js';
import { summarize } from '../src/statistics/summarize.js';
import { runExitCode, type RunVerdict } from '../src/verdict.js';
import {
  arm,
  deviceCeiling,
  homeCeiling,
  ledger,
  memoryCeiling,
  ok,
  reason,
  without,
} from './statistics/ledger-builder.js';

const read = arm('read');
const bound = (): Arm => arm('stream-discard-direct', { kind: 'bound', work: 'read', mechanism: 'discard' });

function verdictOf(arms: readonly Arm[], samples: readonly Sample[], loadersNamed = true): RunVerdict {
  const states = [...new Set(samples.map(({ state }) => state))];
  const { run, ...rest } = ledger({ arms, samples, states });
  // The builder plans loaders alone; a bound is planned like them.
  const bounds = arms.filter(({ kind }) => kind === 'bound').map(({ id }) => id);
  const homes = Object.fromEntries(arms.filter(({ loader }) => loader === 'home').map(({ id, model }) => [model, id]));
  const plan = { ...run.plan, arms: [...new Set([...run.plan.arms, ...bounds])], homes, loadersNamed };
  const whole = { ...rest, run: { ...run, plan } };
  const summary = summarize(whole);
  return runExitCode({
    ledger: whole,
    summary,
    tinybench: [],
    report: report(summary, whole),
    verdict: null,
    stopped: 'complete',
    failure: null,
  });
}

test('a bound that was named and is unsupported in every state fails the run, like a loader; of all it is reported', (t) => {
  const samples = [
    ok({ arm: read, state: 'warm' }),
    without('unsupported', { arm: bound(), state: 'warm' }, reason('bypasses-page-cache')),
  ];
  const named = verdictOf([read, bound()], samples);
  t.is(named.code, 1);
  t.regex(named.message ?? '', /^stream-discard-direct was asked for and is unsupported here/);
  t.is(verdictOf([read, bound()], samples, false).code, 0);
});

test('a bound that works in one state is fine', (t) => {
  const samples = [
    ok({ arm: read, state: 'warm' }),
    ok({ arm: read, state: 'cold' }),
    ok({ arm: bound(), state: 'cold' }),
    without('unsupported', { arm: bound(), state: 'warm' }, reason('bypasses-page-cache')),
  ];
  t.is(verdictOf([read, bound()], samples).code, 0);
});

test('a loader that works under one of several memory limits is fine', (t) => {
  const small = { ...read, id: `${read.id} m1` };
  const samples = [ok({ arm: read }), without('unsupported', { arm: small }, reason('memory-short'))];
  t.is(verdictOf([read, small], samples).code, 0);
  t.is(verdictOf([small], samples.slice(1)).code, 1);
});

test('a bound without a valid sample fails the run', (t) => {
  const samples = [ok({ arm: read }), without('invalid', { arm: bound() }, reason('cache-not-held'))];
  const { code, message } = verdictOf([read, bound()], samples);
  t.is(code, 1);
  t.regex(message ?? '', /^stream-discard-direct warm has no valid sample/);
});

test('home that failed alone is reported and fails no run; the ceilings that figures are formed from do', (t) => {
  const cold = ok({ arm: read, state: 'cold' });
  const failed = (of: Arm): Sample => without('failed', { arm: of, state: 'cold' }, reason('child-died'));
  t.is(verdictOf([read, homeCeiling()], [cold, failed(homeCeiling())]).code, 0);
  t.is(verdictOf([read, deviceCeiling()], [cold, failed(deviceCeiling())]).code, 1);
  t.is(verdictOf([read, homeCeiling()], [cold, failed(homeCeiling()), failed(read)]).code, 1);
  const warm = without('failed', { arm: memoryCeiling() }, reason('child-died'));
  t.is(verdictOf([read, memoryCeiling()], [ok({ arm: read }), warm]).code, 1);
});

test('samples that failed are counted in words that fit one and several', (t) => {
  const failed = without('failed', { arm: read }, reason('child-died'));
  const told = (...samples: readonly Sample[]): string | null => verdictOf([read], samples).message;
  t.is(told(ok({ arm: read }), failed), '1 sample failed; the table says why');
  t.is(told(failed, { ...failed, round: 2 }), '2 samples failed; the table says why');
});
