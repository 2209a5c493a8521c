import test from 'ava';
import type { MachineActivity, Noise, Sample } from '../../src/samples/record.js';
import { flagsOf, noiseFlagger, type Usual } from '../../src/statistics/noise-flags.js';
import { summarize } from '../../src/statistics/summarize.js';
import type { NoiseFlag } from '../../src/statistics/summary-types.js';
import { arm, ledger, ok, reason, without } from './ledger-builder.js';

const base = arm('stdio');
const head = arm('mmap-shared');

const MS = 1e6;
const MIB = 2 ** 20;

/** A second of two CPUs, one of which the sample used. */
function machine(overrides: Partial<MachineActivity> = {}): MachineActivity {
  return {
    ...{ lastedNs: 1000 * MS, cpus: 2, busyNs: 1000 * MS, otherCpuNs: 0, ownReadBytes: 0, otherReadBytes: 0 },
    ...{ writtenBytes: 0, throttleEvents: null, clock: null },
    ...overrides,
  };
}

function noise(overrides: Partial<Noise> = {}, activity: Partial<MachineActivity> = {}): Noise {
  return {
    ...{ stealNs: 0, voluntarySwitches: 1, involuntarySwitches: 20, firstTouchNs: 4 * MS, loadAverage: 0.5 },
    ...{ spinBeforeNs: 0.8 * MS, spinAfterNs: 0.8 * MS, pressureNs: { cpu: 50 * MS, io: 400 * MS, memory: 0 } },
    machine: machine(activity),
    ...overrides,
  };
}

const usual: Usual = {
  spinNs: 0.8 * MS,
  firstTouchNs: 4 * MS,
  involuntarySwitches: 20,
  stalled: { cpu: 0.05, io: 0.4, memory: 0 },
};

const stalls = (overrides: Partial<Noise['pressureNs']>): Partial<Noise> => ({
  pressureNs: { cpu: 50 * MS, io: 400 * MS, memory: 0, ...overrides },
});

const cases: readonly (readonly [string, Noise, readonly NoiseFlag[]])[] = [
  ['nothing out of the ordinary', noise(), []],
  ['a tenth of the CPU time stolen', noise({ stealNs: 120 * MS }), ['steal']],
  ['a fiftieth of it stolen', noise({ stealNs: 20 * MS }), []],
  ['one stolen tick of a short sample', noise({ stealNs: 10 * MS }, { busyNs: 20 * MS }), []],
  ['others that used a tenth of all CPUs', noise({}, { otherCpuNs: 200 * MS }), ['other-cpu']],
  ['others that used a fiftieth of all CPUs', noise({}, { otherCpuNs: 40 * MS }), []],
  [
    'three ticks of others in a short sample',
    noise(stalls({ cpu: 0, io: 0 }), { lastedNs: 50 * MS, otherCpuNs: 30 * MS }),
    [],
  ],
  ['others that read from the device', noise({}, { otherReadBytes: 5 * MIB }), ['other-traffic']],
  ['others that wrote to the device', noise({}, { writtenBytes: 5 * MIB }), ['other-traffic']],
  ['a journal that was written', noise({}, { writtenBytes: 1 * MIB }), []],
  ['a hundredth beside a big load', noise({}, { ownReadBytes: 4000 * MIB, otherReadBytes: 40 * MIB }), []],
  ['a tenth beside a big load', noise({}, { ownReadBytes: 4000 * MIB, otherReadBytes: 400 * MIB }), ['other-traffic']],
  ['a slow spin before', noise({ spinBeforeNs: 1.1 * MS }), ['slow-spin']],
  ['a slow spin after', noise({ spinAfterNs: 1.1 * MS }), ['slow-spin']],
  ['a spin of another turbo step', noise({ spinAfterNs: 0.92 * MS }), []],
  ['a ceiling, which does not spin', noise({ spinBeforeNs: null, spinAfterNs: null, involuntarySwitches: null }), []],
  ['a CPU that got hot', noise({}, { throttleEvents: 1 }), ['throttled']],
  ['CPUs that count their heat and had none', noise({}, { throttleEvents: 0 }), []],
  ['more stalls for the disk than the cell has', noise(stalls({ io: 600 * MS })), ['pressure']],
  ['more stalls for a CPU than the cell has', noise(stalls({ cpu: 200 * MS })), ['pressure']],
  ['stalls for memory', noise(stalls({ memory: 200 * MS })), ['pressure']],
  ['the stalls of a start', noise({ pressureNs: { cpu: 6 * MS, io: 0, memory: 0 } }, { lastedNs: 10 * MS }), []],
  ['three times the preemptions and many', noise({ involuntarySwitches: 150 }), ['context-switches']],
  ['three times the preemptions and few', noise({ involuntarySwitches: 90 }), []],
  ['first touch of memory that was given back', noise({ firstTouchNs: 60 * MS }), ['first-touch']],
  ['two disturbances at once', noise({ stealNs: 200 * MS }, { throttleEvents: 3 }), ['steal', 'throttled']],
];

for (const [name, of, expected] of cases) {
  test(`${name}: ${expected.join(' and ') || 'no mark'}`, (t) => {
    t.deepEqual(flagsOf(of, usual), expected);
  });
}

test('what could not be read, or has no usual value, gives no mark', (t) => {
  const unknown = { spinNs: null, firstTouchNs: null, involuntarySwitches: null } as const;
  const nothing: Usual = { ...unknown, stalled: { cpu: null, io: null, memory: null } };
  const wild = noise({ spinAfterNs: 9 * MS, firstTouchNs: 900 * MS, involuntarySwitches: 9999 });
  t.deepEqual(flagsOf({ ...wild, pressureNs: { cpu: 900 * MS, io: 900 * MS, memory: 900 * MS } }, nothing), []);
  const blind = { cpus: null, busyNs: null, otherCpuNs: null, ownReadBytes: null, otherReadBytes: null } as const;
  const unread = noise({ stealNs: null, pressureNs: { cpu: null, io: null, memory: null } }, blind);
  t.deepEqual(flagsOf(unread, usual), []);
});

test('an earlier ledger, without what others did, is marked by what it has', (t) => {
  const { voluntarySwitches, involuntarySwitches, firstTouchNs, pressureNs, loadAverage, spinBeforeNs } = noise();
  const counted = { voluntarySwitches, involuntarySwitches, firstTouchNs, pressureNs, loadAverage };
  const earlier: Noise = { ...counted, stealNs: 900 * MS, spinBeforeNs, spinAfterNs: 2 * MS };
  t.deepEqual(flagsOf(earlier, usual), ['slow-spin']);
});

/** `count` samples of an arm, of which the last has this noise. */
function withLast(of: typeof base, count: number, last: Noise): Sample[] {
  return Array.from({ length: count }, (_, index) =>
    ok({ arm: of, round: index + 1 }, {}, { noise: index === count - 1 ? last : noise() }),
  );
}

test('a spin is slow beside the median of the run, not beside a figure of ours', (t) => {
  const slow = noise({ spinBeforeNs: 8 * MS, spinAfterNs: 8 * MS });
  const everywhere = withLast(base, 6, slow).map((sample) => ({ ...sample, noise: slow }) as Sample);
  const flagger = noiseFlagger(ledger({ arms: [base], samples: everywhere }));
  t.deepEqual(everywhere.flatMap(flagger), []);
  const once = withLast(base, 6, slow);
  t.deepEqual(once.map(noiseFlagger(ledger({ arms: [base], samples: once }))), [[], [], [], [], [], ['slow-spin']]);
});

test('stalls and preemptions that all samples of a cell have are its own, and of another cell say nothing', (t) => {
  const busy = noise({ involuntarySwitches: 5000, ...stalls({ cpu: 700 * MS }) });
  const own = withLast(head, 6, busy).map((sample) => ({ ...sample, noise: busy }) as Sample);
  const samples = [...withLast(base, 6, busy), ...own];
  const flagger = noiseFlagger(ledger({ arms: [base, head], samples }));
  t.deepEqual(own.flatMap(flagger), []);
  t.deepEqual(flagger(samples[5]!), ['pressure', 'context-switches']);
});

test('first touch is compared within one state of free memory', (t) => {
  const returned = noise({ firstTouchNs: 80 * MS });
  const samples = ['backed', 'returned'].flatMap((memoryState) =>
    Array.from({ length: 6 }, (_, index) =>
      ok(
        { arm: base, round: index + 1, memoryState: memoryState as 'backed' | 'returned' },
        {},
        {
          noise: memoryState === 'returned' ? returned : noise(),
        },
      ),
    ),
  );
  t.deepEqual(samples.flatMap(noiseFlagger(ledger({ arms: [base], samples }))), []);
});

test('disturbed samples are marked and counted, and stay in every figure', (t) => {
  const stolen = noise({ stealNs: 300 * MS }, { otherReadBytes: 50 * MIB });
  const taken = noise({ stealNs: 300 * MS });
  const samples: Sample[] = [
    ok({ arm: base, round: 1 }, { ttftNs: 100 }, { noise: noise() }),
    ok({ arm: head, round: 1 }, { ttftNs: 50 }, { noise: stolen }),
    ok({ arm: base, round: 2 }, { ttftNs: 100 }, { noise: taken }),
    without('failed', { arm: head, round: 2 }, reason('signal')),
    // Times of the memory pass are never used: marked, and in no count.
    ok({ arm: head, round: 1, pass: 'memory' }, {}, { noise: taken }),
  ];
  const made = ledger({ arms: [base, head], samples });
  const { noise: whole, cells } = summarize(made);
  const { marks, ...counts } = whole;
  t.deepEqual(counts, {
    samples: 3,
    disturbed: 2,
    by: [
      { flag: 'steal', samples: 2 },
      { flag: 'other-traffic', samples: 1 },
    ],
  });
  t.deepEqual(
    marks.map(({ sample, flags }) => [sample, ...flags]),
    [
      [1, 'steal', 'other-traffic'],
      [2, 'steal'],
      [4, 'steal'],
    ],
  );
  const cell = cells.find(({ arm: of }) => of.id === head.id);
  t.deepEqual(cell?.noise.disturbed, 1);
  t.deepEqual(cell?.ttftNs?.values, [50]);
  t.deepEqual(cell?.ratio?.ttft?.values, [0.5]);
});
