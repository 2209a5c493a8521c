import test from 'ava';
import { report } from '../../src/report/report.js';
import type { Ledger, Sample, WaitRecord } from '../../src/samples/record.js';
import { summarize } from '../../src/statistics/summarize.js';
import { arm, ledger, ok } from '../statistics/ledger-builder.js';

const base = arm('stdio');
const head = arm('mmap-shared');
const notesOf = (of: Ledger): string => report(summarize(of), of).notes.join('\n');

function sample(round: number, of: typeof base, ttftNs: number, throttled = false): Sample {
  const made = ok({ arm: of, round }, { ttftNs });
  const machine = {
    ...{ lastedNs: 1e9, cpus: 2, busyNs: 1e9, otherCpuNs: 0, ownReadBytes: 0, otherReadBytes: 0, writtenBytes: 0 },
    ...{ throttleEvents: throttled ? 1 : 0, clock: null },
  };
  const stealNs = round === 1 && throttled ? 5e8 : 0;
  return { ...made, noise: { ...made.noise, stealNs, machine } };
}

const rounds = [1, 2, 3, 4, 5, 6];
const quiet = rounds.flatMap((round) => [sample(round, base, 1000), sample(round, head, 500)]);

test('disturbed samples are counted by what disturbed them, in one note', (t) => {
  const samples = [...quiet, sample(1, head, 500, true), sample(7, base, 1000, true)];
  const notes = notesOf(ledger({ arms: [base, head], samples }));
  t.regex(
    notes,
    /^2 of 14 samples were disturbed: a CPU throttled for its heat \(2\), CPU time taken by the host \(1\)\. They are kept and count like the others/m,
  );
  t.notRegex(notesOf(ledger({ arms: [base, head], samples: quiet })), /disturbed/);
});

function wait(
  round: number,
  isQuiet: boolean,
  kinds: readonly WaitRecord['disturbances'][number]['kind'][],
): WaitRecord {
  return {
    ...{ kind: 'wait', startedAt: '2026-01-01T00:00:00Z', pass: 'time', round, block: 0 },
    ...{ limitNs: 1e10, waitedNs: 1e9, windows: 2, quiet: isQuiet },
    disturbances: kinds.map((kind) => ({ kind, windows: 1, most: 1 })),
  };
}

const waiting: readonly (readonly [string, readonly WaitRecord[], RegExp | null])[] = [
  ['a machine that was quiet at once is no news', [wait(1, true, []), wait(2, true, [])], null],
  [
    'what was waited for and that it ended',
    [wait(1, true, []), wait(2, true, ['other-cpu'])],
    /not quiet before 1 of 2 blocks \(other programs on the CPUs\): 1\.00 s were waited, and it became quiet each time\./,
  ],
  [
    'that it did not end',
    [wait(1, false, ['other-cpu']), wait(2, true, ['device-traffic'])],
    /not quiet before 2 of 2 blocks \(other programs on the CPUs and other traffic on the device\): 2\.00 s were waited, and before 1 block it did not become quiet/,
  ],
  ['that it never ended', [wait(1, false, ['steal'])], /it never became quiet in the time allowed/],
];

for (const [name, waits, expected] of waiting) {
  test(`of waits a note tells ${name}`, (t) => {
    const notes = notesOf(ledger({ arms: [base, head], samples: quiet, ledger: { waits } }));
    if (expected === null) t.notRegex(notes, /quiet/);
    else t.regex(notes, expected);
  });
}

/** A run that was to stop at this precision. */
function precise(precision: number, stopped: 'precision' | 'complete', samples: readonly Sample[]): string {
  const made = ledger({ arms: [base, head], samples });
  const plan = { ...made.run.plan, precision };
  const end = { kind: 'end', endedAt: '', stopped, message: null } as const;
  return notesOf({ ...made, run: { ...made.run, plan }, end });
}

test('a run that stopped by its precision is complete, and its intervals are said to be optimistic', (t) => {
  const notes = precise(0.05, 'precision', quiet);
  t.regex(notes, /within ±5\.0%: intervals that decide when to stop are optimistic.* a gate does not take it/);
  t.notRegex(notes, /not complete/);
});

test('one that weighed all its rounds says how wide the widest interval is', (t) => {
  const wide = rounds.flatMap((round) => [sample(round, base, 1000), sample(round, head, 400 + 40 * round)]);
  t.regex(precise(0.05, 'complete', wide), /were to be within ±5\.0%, and the widest is ±19%, wider than that/);
  t.regex(precise(0.05, 'complete', quiet.slice(0, 4)), /some ratios have no interval yet/);
});
