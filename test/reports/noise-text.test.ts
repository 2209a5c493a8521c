import test from 'ava';
import { noiseReport } from '../../src/report/noise.js';
import { noiseOf } from '../../src/statistics/noise.js';
import { noiseText } from '../../reports/noise-text.js';
import { aaLedger } from '../statistics/aa-ledger.js';

const textOf = (recording: Parameters<typeof aaLedger>[0], width = 80): string => {
  const ledger = aaLedger(recording);
  return noiseText(noiseReport(noiseOf(ledger, '/runs/aa'), ledger), width);
};

test('noise floors, what is seen, lag and drift of each metric and state, in 80 columns', (t) => {
  const text = textOf({ rounds: 60, states: ['cold', 'warm'], sd: 0.3, drift: 0.5 });
  t.regex(text, /^mmap-shared against itself · a\.gguf/);
  t.regex(text, /noise floor of n +slowdown seen by n +drift\n/);
  t.regex(text, /^metric +10 +20 +40 +10 +20 +40 +lag-1 +a minute +last\/first$/m);
  t.regex(text, /^COLD · .* · 60 pairs of 60 rounds\nfirst token +\d/m);
  t.regex(text, /^WARM · .*\nfirst token .*\ncomplete .*\ndecode step .* \+\d[\d.]*% +\d\.\d+$/m);
  t.regex(text, /in a gate of 6\s+comparisons/);
  t.deepEqual(
    text.split('\n').filter((line) => line.length > 80),
    [],
  );
});

test('with too few pairs dashes and a note say so', (t) => {
  const text = textOf({ rounds: 12 });
  t.regex(text, /^first token +– +– +– +– +– +– /m);
  t.regex(
    text.replaceAll(/\s+/g, ' '),
    /a noise floor needs 40 pairs, first token has 12, complete has 12, decode step has 12/,
  );
});

test('no pair at all is a table of dashes', (t) => {
  t.regex(textOf({ rounds: 0 }), /0 pairs of 0 rounds\nfirst token( +–){9}$/m);
});

test('two modes and alike neighbours are told', (t) => {
  const ledger = aaLedger({ rounds: 60 });
  // Each third round and the one after it take half as long again: two modes, and neighbours alike.
  const samples = ledger.samples.map((sample) =>
    sample.outcome === 'ok' && sample.round % 6 < 3
      ? { ...sample, ttftNs: Math.round((sample.ttftNs ?? 0) * (sample.arm.id.endsWith('#2') ? 2 : 1)) }
      : sample,
  );
  const half = samples.map((sample) =>
    sample.outcome === 'ok' && sample.round % 2 === 0
      ? { ...sample, completeNs: 2 * (sample.completeNs ?? 0) }
      : sample,
  );
  const changed = { ...ledger, samples: half };
  const text = noiseText(noiseReport(noiseOf(changed, '/a'), changed)).replaceAll(/\s+/g, ' ');
  t.regex(text, /warm, backed: complete has two modes, about 30\.\d ms \(60 samples\) and 60\.\d ms \(60\)/);
  t.regex(text, /neighbouring pairs are alike \(first token\): a verdict will average each two/);
});

test('where nothing was generated, first tokens still have their pairs', (t) => {
  const { samples, ...rest } = aaLedger({ rounds: 40 });
  const silent = { ...rest, samples: samples.map((sample) => ({ ...sample, tokensPerSecond: null })) };
  const text = noiseText(noiseReport(noiseOf(silent, '/a'), silent));
  t.regex(text, / · 40 pairs of 40 rounds\n/);
  t.regex(text, /decode step has 0/);
});

test('a run of less than a minute has no drift a minute, and says so', (t) => {
  const text = textOf({ rounds: 3, drift: 0.5 });
  t.regex(text, /^first token +– +– +– +– +– +– +\S+ +– +\d/m);
  t.regex(
    text.replaceAll(/\s+/g, ' '),
    /warm, backed: all samples lie within 22\.0 s, which tells nothing of drift over a minute/,
  );
});
