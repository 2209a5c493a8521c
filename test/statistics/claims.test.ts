import test from 'ava';
import { claimsText } from '../../reports/claims-text.js';
import { claimsReport } from '../../src/report/claims.js';
import type { Arm, Ledger, Pressure, Sample } from '../../src/samples/record.js';
import { judgeClaims } from '../../src/statistics/claims.js';
import { SHELL } from '../../src/statistics/claims-time.js';
import {
  CLAIM_PARTS,
  type ClaimPart,
  type ClaimResult,
  type ClaimVerdict,
  type PartOutcome,
} from '../../src/statistics/claims-types.js';
import { armOf, group, ledgerOf, memoryOf, type Entry } from './group-builder.js';
import { arm, ledger, memory, ok, reason, without } from './ledger-builder.js';

const MS = 1e6;
const map = arm('mmap-shared');
const copies = [arm('cxx-stream'), arm('stdio')];
const direct = arm('direct');

type Parts = Partial<Record<ClaimPart, Ledger | PartOutcome>>;

function judgeAll(parts: Parts, guest = false): readonly ClaimResult[] {
  const outcomes = CLAIM_PARTS.map((name): [ClaimPart, PartOutcome] => {
    const part = parts[name];
    if (part === undefined) return [name, { kind: 'stopped', why: 'interrupted' }];
    return [name, 'kind' in part ? part : { kind: 'ran', ledger: part }];
  });
  return judgeClaims(Object.fromEntries(outcomes) as Parameters<typeof judgeClaims>[0], guest);
}

function judge(parts: Parts, id: ClaimResult['id'], guest = false): ClaimResult {
  const found = judgeAll(parts, guest).find((each) => each.id === id);
  if (found === undefined) throw new Error(`no claim ${id}`);
  return found;
}

const rounds = (n: number): readonly number[] => Array.from({ length: n }, (_, index) => index + 1);
/** Values that are apart, so that bounds are, too. */
const about = (value: number, round: number): number => Math.round(value * (1 + 0.01 * round));

interface Times {
  readonly map: number;
  readonly copy: number;
}

/** Warm: each arm's load, and its first token. */
function warmPart(n: number, load: Times, token: Times): Ledger {
  const samples = rounds(n).flatMap((round) => [
    ok({ arm: map, round }, { loadNs: load.map, ttftNs: token.map }),
    ...copies.map((copy) =>
      ok({ arm: copy, round }, { loadNs: about(load.copy, round), ttftNs: about(token.copy, round) }),
    ),
  ]);
  return ledger({ arms: [map, ...copies], samples });
}

const even: Times = { map: 20 * MS, copy: 40 * MS };

const loads: readonly (readonly [string, number, number, ClaimVerdict])[] = [
  ['more than a hundredfold', 7, 120, 'reproduced'],
  ['twentyfold', 7, 20, 'direction only'],
  ['no faster', 7, 0.5, 'refuted'],
  ['about a hundredfold', 7, 96, 'undecided'],
  ['equal, give or take', 7, 0.96, 'undecided'],
  ['too few pairs', 5, 120, 'undecided'],
];

for (const [name, n, factor, verdict] of loads) {
  test(`loading, ${name}: ${verdict}`, (t) => {
    const result = judge({ warm: warmPart(n, { map: 10 * MS, copy: 10 * MS * factor }, even) }, 'load');
    t.is(result.verdict, verdict, result.why);
    const [first] = result.measures;
    t.is(first?.bounds?.n, n);
    t.is(first?.bounds?.confidence === null, n < 6);
  });
}

test('loading: the first token has a ratio and a verdict of its own, and sizes are reckoned', (t) => {
  const { measures } = judge({ warm: warmPart(7, { map: 10 * MS, copy: 500 * MS }, even) }, 'load');
  const token = measures.find(({ what }) => what === 'first token, cxx-stream ÷ mmap-shared');
  t.is(token?.verdict, 'direction only');
  t.false(token?.decides);
  const size = measures.find(({ what }) => what.includes('loads 100x longer'))?.bounds;
  // About 52 times at a million bytes.
  t.true((size?.median ?? 0) > 1.9e6 && (size?.median ?? 0) < 2e6, String(size?.median));
  t.true((size?.low ?? 0) < (size?.median ?? 0) && (size?.high ?? 0) > (size?.median ?? 0));
});

test('what a machine cannot do is not testable, with the reason; what was cut short is undecided', (t) => {
  const cannot = judge({ processes: { kind: 'cannot', why: 'no room' } }, 'sharing');
  t.like(cannot, { verdict: 'not testable here', why: 'no room' });
  t.like(judge({}, 'sharing'), { verdict: 'undecided', why: 'its part processes was not weighed: interrupted' });
  const samples = rounds(7).flatMap((round) => [
    ok({ arm: map, round }),
    ...copies.map((copy) => without('unsupported', { arm: copy, round }, reason('memory-short'))),
  ]);
  const refused = judge({ warm: ledger({ arms: [map, ...copies], samples }) }, 'load');
  t.is(refused.verdict, 'not testable here');
  t.regex(refused.why, /because of memory-short/);
});

test('an arm that was left out makes its claim not testable here', (t) => {
  const warm = ledger({ arms: [map], samples: rounds(7).map((round) => ok({ arm: map, round })) });
  const leftOut = { 'cxx-stream': 'too large', stdio: 'too large' };
  t.like(judge({ warm: { kind: 'ran', ledger: warm, leftOut } }, 'load'), {
    verdict: 'not testable here',
    why: 'too large',
  });
});

/** A copy holds so much that nobody else can have; cached is what the page cache has of the model. */
function memoryPart(n: number, held: number, cached: Readonly<Record<string, number>>): Ledger {
  const weighed = (of: Arm, round: number, bytes: number): Sample => {
    const made = ok({ arm: of, round, pass: 'memory', state: 'cold' });
    const grown = memory({ pssAnonymous: 30_000_000 + bytes });
    return {
      ...made,
      memory: { ...made.memory!, firstToken: grown },
      residency: { ...made.residency, firstToken: cached[of.loader] ?? 1_000_500 },
    };
  };
  const samples = rounds(n).flatMap((round) => [
    weighed(map, round, 2_000),
    ...copies.map((copy) => weighed(copy, round, held)),
    weighed(direct, round, 1_000_000),
  ]);
  return ledger({ arms: [map, ...copies, direct], samples, states: ['cold'] });
}

const halves: readonly (readonly [string, number, number, ClaimVerdict])[] = [
  ['a copy beside the cached file', 6, 1_000_000, 'reproduced'],
  ['half a copy beside it', 6, 500_000, 'direction only'],
  ['as much as the map', 6, 1_000, 'refuted'],
  ['two rounds', 2, 1_000_000, 'undecided'],
];

for (const [name, n, held, verdict] of halves) {
  test(`half the memory, ${name}: ${verdict}`, (t) => {
    const result = judge({ memory: memoryPart(n, held, { direct: 0 }) }, 'memory');
    t.is(result.verdict, verdict, result.why);
  });
}

test('loading: a verdict that the first token does not bear out says so', (t) => {
  const load = { map: 10 * MS, copy: 1200 * MS };
  const short = judge({ warm: warmPart(7, load, even) }, 'load');
  t.is(short.verdict, 'reproduced');
  t.regex(short.why, /of load alone: to the first token it is 2\.\d+x/);
  const borne = judge({ warm: warmPart(7, load, { map: 20 * MS, copy: 2400 * MS }) }, 'load');
  t.notRegex(borne.why, /alone/);
});

test('half the memory: direct I/O halves it as well, and parts of the footprint stand apart', (t) => {
  const { measures } = judge({ memory: memoryPart(6, 1_000_000, { direct: 0 }) }, 'memory');
  t.is(measures.find(({ what }) => what === 'footprint, stdio ÷ direct')?.verdict, 'reproduced');
  const held = (what: string): number | undefined => measures.find((each) => each.what === what)?.bounds?.median;
  t.is(held('unreclaimable at rest, stdio'), 1_000_000);
  t.is(held('unreclaimable at rest, mmap-shared'), 2_000);
  t.is(held('reclaimable (page cache), mmap-shared'), 1_000_500);
  t.is(held('reclaimable (page cache), direct'), 0);
});

/** Each further process of each loader takes so much of a model of a million bytes. */
function processesPart(each: Readonly<Record<string, number>>): Ledger {
  const arms: Arm[] = [];
  const alone: Sample[] = [];
  const entries: Entry[] = [];
  for (const [loader, bytes] of Object.entries(each)) {
    const [one, four] = [armOf(loader, 1), armOf(loader, 4)];
    arms.push(one, four);
    for (const round of rounds(6)) {
      const position = { round, pass: 'memory', state: 'warm' } as const;
      const sample = ok({ arm: one, ...position });
      const first = memory({ pssAnonymous: 30_000_000 + bytes });
      const residency = { ...sample.residency, firstToken: 1_000_500 };
      alone.push({ ...sample, residency, memory: { ...sample.memory!, firstToken: first } });
      const grouped = memoryOf(4 * bytes);
      entries.push(
        group({ arm: four, ...position }, [MS, MS, MS, MS], { memory: { ...grouped, cachedBytes: 1_000_500 } }),
      );
    }
  }
  return ledgerOf(arms, alone, entries);
}

test('sharing: a twentieth of the model for each process is reproduced, a whole one refuted', (t) => {
  const processes = processesPart({ 'mmap-shared': 50_000, 'mmap-private': 50_000 });
  const copies = processesPart({ 'mmap-private-dirtied': 1_000_000, stdio: 1_000_000 });
  const shared = judge({ processes, copies }, 'sharing');
  t.is(shared.verdict, 'reproduced', shared.why);
  t.deepEqual(
    shared.measures.map(({ what, verdict, bounds }) => [what.split(', ')[1], verdict, bounds?.median]),
    [
      ['mmap-shared', 'reproduced', 0.05],
      ['mmap-private', 'reproduced', 0.05],
      ['mmap-private-dirtied', 'refuted', 1],
      ['stdio', 'refuted', 1],
    ],
  );
  t.is(judge({ processes: processesPart({ 'mmap-shared': 1_000_000 }) }, 'sharing').verdict, 'refuted');
  t.is(judge({ processes: processesPart({ 'mmap-shared': 400_000 }) }, 'sharing').verdict, 'direction only');
});

test('sharing: where several processes were refused, that is why, although one alone ran', (t) => {
  const [one, four] = [armOf('mmap-shared', 1), armOf('mmap-shared', 4)];
  const position = { round: 1, pass: 'memory', state: 'warm' } as const;
  const refused = without('unsupported', { arm: four, round: 1, state: 'warm' }, reason('memory-short'));
  const ran = [ok({ arm: one, round: 1, state: 'warm' }), ok({ arm: one, ...position })];
  const processes = ledgerOf([one, four], [...ran, refused], []);
  const { verdict, why } = judge({ processes }, 'sharing');
  t.is(verdict, 'not testable here');
  t.regex(why, /mmap-shared: unsupported: /);
});

const pressure: Pressure = { kind: 'bystander', bytes: 1_000_000, path: '/models/other' };
const limited = (loader: string): Arm => arm(loader, { pressure, memoryLimit: 9e6 });

/** What each loader leaves of the bystander's file, and its second load. */
function harmPart(of: Readonly<Record<string, readonly [kept: number, secondNs: number]>>): Ledger {
  const arms = Object.keys(of).map(limited);
  const samples = rounds(7).flatMap((round) =>
    arms.flatMap((each) => {
      const [kept, ttftNs] = of[each.loader] ?? [0, 0];
      const effective = { bystanderCachedBytes: Math.round(kept * 1_000_000) };
      return [
        ok({ arm: each, round, state: 'cold' }, { ttftNs: 300 * MS }, { effective }),
        ok({ arm: each, round, state: 'left', load: 2 }, { ttftNs }, { effective }),
      ];
    }),
  );
  return ledger({ arms, samples, states: ['cold'] });
}

const harms: readonly (readonly [string, readonly [number, number], readonly [number, number], ClaimVerdict])[] = [
  ['the file kept, the second load warm', [1, 21 * MS], [0.4, 200 * MS], 'reproduced'],
  ['the file lost, yet faster than a copy', [0.5, 21 * MS], [0.4, 200 * MS], 'direction only'],
  ['the second load slow, yet faster than a copy', [1, 50 * MS], [1, 200 * MS], 'direction only'],
  ['the file lost, and no faster', [0.5, 200 * MS], [1, 100 * MS], 'refuted'],
];

for (const [name, mapped, copied, verdict] of harms) {
  test(`harm, ${name}: ${verdict}`, (t) => {
    const harm = harmPart({ 'mmap-shared': mapped, stdio: copied, direct: [1, 100 * MS] });
    const result = judge({ harm, warm: warmPart(7, even, even) }, 'harm');
    t.is(result.verdict, verdict, result.why);
  });
}

test('harm: intervals of loads that are no neighbours are set against each other, and need 7 values each', (t) => {
  const harm = harmPart({ 'mmap-shared': [1, 21 * MS], stdio: [1, 21 * MS] });
  const second = (n: number) =>
    judge({ harm, warm: warmPart(n, even, even) }, 'harm').measures.find(
      ({ what }) => what === 'second load ÷ warm, mmap-shared',
    );
  const confidence = second(7)?.bounds?.confidence ?? 0;
  t.true(confidence >= 0.95 && confidence < 0.98, String(confidence));
  t.is(second(6)?.verdict, 'undecided');
});

test('harm: a file that is lost refutes the claim, whatever too few other values leave open', (t) => {
  const harm = harmPart({ 'mmap-shared': [0.5, 200 * MS], stdio: [1, 100 * MS], direct: [1, 100 * MS] });
  const result = judge({ harm, warm: warmPart(6, even, even) }, 'harm');
  t.true(result.measures.some(({ decides, verdict }) => decides && verdict === 'undecided'));
  t.is(result.verdict, 'refuted', result.why);
});

test('harm: a copy that is killed under the limit is told, and is no failure of the claim', (t) => {
  const harm = harmPart({ 'mmap-shared': [1, 21 * MS] });
  const killed = limited('stdio');
  const samples = rounds(7).map((round) =>
    without('failed', { arm: killed, round, state: 'cold' }, reason('out-of-memory')),
  );
  const both = ledger({
    arms: [limited('mmap-shared'), killed],
    samples: [...harm.samples, ...samples],
    states: ['cold'],
  });
  const result = judge({ harm: both, warm: warmPart(7, even, even) }, 'harm');
  t.is(result.verdict, 'reproduced', result.why);
  t.regex(
    result.measures.find(({ what }) => what === "kept of the bystander's file, stdio")?.why ?? '',
    /out-of-memory/,
  );
});

/** exec → first byte, mapped and copied. */
function shellPart(mappedNs: number, copiedNs: number): Ledger {
  const times: Readonly<Record<string, number>> = {
    [SHELL.mapped]: mappedNs,
    [SHELL.copied]: copiedNs,
    [SHELL.start]: 60 * MS,
    [SHELL.runtime]: 40 * MS,
  };
  const arms = Object.keys(times).map((name) => arm(name, { kind: 'command', work: 'command' }));
  const samples = rounds(7).flatMap((round) =>
    arms.map((each): Sample => {
      const ns = about(times[each.loader] ?? 0, round);
      const counts = {
        userNs: 1,
        systemNs: 1,
        minorFaults: 1,
        majorFaults: 0,
        readBytes: 0,
        peakRss: 1,
        peakPss: null,
      };
      return {
        ...ok({ arm: each, round }),
        command: { wallNs: ns, firstByteNs: ns, ...counts, exitCode: 0, signal: null, matched: null },
      };
    }),
  );
  return ledger({ arms, samples });
}

const shells: readonly (readonly [string, number, number, ClaimVerdict])[] = [
  ['half a second', 500, 900, 'reproduced'],
  ['two seconds, a copy four', 2000, 4000, 'direction only'],
  ['two seconds, a copy one', 2000, 1000, 'refuted'],
  ['about a second', 980, 4000, 'undecided'],
];

for (const [name, mapped, copied, verdict] of shells) {
  test(`the shell, ${name}: ${verdict}`, (t) => {
    const result = judge({ shell: shellPart(mapped * MS, copied * MS) }, 'shell');
    t.is(result.verdict, verdict, result.why);
    t.is(result.measures[0]?.verdict, verdict);
  });
}

test('the shell: below 0.2 s it is instant, and the start of the runtime stands apart', (t) => {
  const { measures } = judge({ shell: shellPart(150 * MS, 400 * MS) }, 'shell');
  t.is(measures[1]?.verdict, 'reproduced');
  t.true(measures.some(({ what, bounds }) => what.startsWith('node -e 0') && (bounds?.median ?? 0) < 50 * MS));
  t.is(judge({ shell: shellPart(500 * MS, 900 * MS) }, 'shell').measures[1]?.verdict, 'direction only');
});

function coldPart(n: number, ttfts: readonly number[]): Ledger {
  const samples = rounds(n).flatMap((round) =>
    ttfts.map((ttftNs, index) =>
      ok({ arm: map, round, state: index === 0 ? 'cold' : 'left', load: index + 1 }, { ttftNs: about(ttftNs, round) }),
    ),
  );
  return ledger({ arms: [map], samples, states: ['cold'] });
}

const firsts: readonly (readonly [string, number, ClaimVerdict])[] = [
  ['ten times slower', 200, 'reproduced'],
  ['half as slow again', 30, 'direction only'],
  ['no slower', 10, 'refuted'],
];

for (const [name, ms, verdict] of firsts) {
  test(`the first load, ${name}: ${verdict}`, (t) => {
    const cold = coldPart(7, [ms * MS, 20 * MS]);
    t.is(judge({ cold, warm: warmPart(7, even, even) }, 'first-load').verdict, verdict);
  });
}

test('the first load: the curve of loads is told, and that guest-cold is no reboot', (t) => {
  const cold = coldPart(7, [200 * MS, 30 * MS]);
  const guest = judge({ cold, warm: warmPart(7, even, even) }, 'first-load', true);
  const curve = guest.measures.filter(
    ({ what }) => what.endsWith(', mmap-shared') && what.startsWith('first token of load'),
  );
  t.deepEqual(
    curve.map(({ bounds }) => Math.round((bounds?.median ?? 0) / MS)),
    [208, 31],
  );
  t.true(guest.notes.some((note) => /guest-cold, and no reboot/.test(note)));
  t.false(judge({ cold }, 'first-load').notes.some((note) => note.includes('guest')));
});

test('nothing is decided by fewer values than its interval takes', (t) => {
  for (const n of [1, 2, 3, 4, 5]) {
    const even_ = { map: MS, copy: 500 * MS };
    const warm = warmPart(n, even_, even_);
    for (const { id, verdict, why, measures } of judgeAll({ warm, memory: memoryPart(n, 1_000, { direct: 0 }) })) {
      t.is(verdict, 'undecided', `${id} of ${n}: ${why}`);
      for (const { verdict: each } of measures) t.true(each === null || each === 'undecided', `${id}: ${String(each)}`);
    }
  }
});

test('a claim of one value is a line with that value, never a range', (t) => {
  const claims = judgeAll({ warm: warmPart(1, { map: MS, copy: 33 * MS }, even) });
  const { run } = warmPart(1, even, even);
  const lines = claimsText(claimsReport(Object.values(run.models)[0]!, run, claims, [])).split('\n');
  t.true(lines.length < 25, lines.join('\n'));
  t.regex(
    lines.join(' ').replaceAll(/\s+/g, ' '),
    /1\. Loading is .*: UNDECIDED, 1 value of the 6 that an interval takes \(load, cxx-stream ÷ mmap-shared 33\.3x/,
  );
  t.notRegex(lines.join(' '), /range|–\d/);
  t.regex(
    lines.join(' ').replaceAll(/\s+/g, ' '),
    /3\. Several .*: UNDECIDED, its part processes was not weighed: interrupted/,
  );
});
