import test from 'ava';
import { findFit, labelOf, type FitPoint, type FitRequest } from '../../src/samples/fit.js';
import type { Reason } from '../../src/samples/record.js';

const GIB = 2 ** 30;

const request: FitRequest = {
  modelBytes: GIB,
  lowestBytes: 0.1 * GIB,
  highestBytes: 2 * GIB,
  resolutionBytes: 0.01 * GIB,
  share: 0.9,
};

const reason = (code: string): Reason => ({
  code,
  operation: 'sample',
  path: null,
  errno: null,
  message: code,
  remedy: null,
});

const ok = (
  bytes: number | null,
  tokensPerSecond: number,
  bytesReadPerToken = 0,
  besideTokensPerSecond: number | null = null,
): FitPoint => ({ outcome: 'ok', bytes, tokensPerSecond, bytesReadPerToken, besideTokensPerSecond });

/** A loader that needs so much memory: below it every token reads what is missing; below its least it is killed. */
function loaderNeeding(need: number, least: number): (bytes: number | null) => Promise<FitPoint> {
  return (bytes) => {
    const has = bytes ?? Infinity;
    if (has < least) return Promise.resolve({ outcome: 'failed', bytes, reason: reason('out-of-memory') });
    return Promise.resolve(has >= need ? ok(bytes, 10) : ok(bytes, (5 * has) / need, need - has));
  };
}

for (const share of [0.15, 0.5, 1.05, 1.99]) {
  test(`a loader that needs ${share} of the model is found to fit there, within the resolution`, async (t) => {
    const need = share * GIB;
    const fit = await findFit(request, loaderNeeding(need, 0));
    t.is(fit.kind, 'found');
    if (fit.kind !== 'found') return;
    const { bytes } = fit.smallest.point;
    t.true(bytes !== null && bytes >= need && bytes < need + request.resolutionBytes);
    t.true(fit.below !== null && (fit.below.point.bytes ?? Infinity) < need);
    // Two pairs a limit.
    t.true(fit.points.length <= 4 * (2 + Math.ceil(Math.log2(1.9 / 0.01))), `${fit.points.length} points`);
  });
}

test('each point that was weighed is kept in order, each behind one without a limit', async (t) => {
  const fit = await findFit(request, loaderNeeding(GIB, 0));
  t.deepEqual(
    fit.points.slice(0, 6).map(({ bytes }) => bytes),
    [null, request.highestBytes, null, request.highestBytes, null, request.lowestBytes],
  );
});

test('a speed is held against its neighbour without a limit: a machine that slows down changes nothing', async (t) => {
  let speed = 1;
  const loader = loaderNeeding(GIB, 0);
  const fit = await findFit(request, async (bytes) => {
    const point = await loader(bytes);
    speed *= 0.99;
    return point.outcome === 'ok' ? { ...point, tokensPerSecond: speed * point.tokensPerSecond } : point;
  });
  t.is(fit.kind, 'found');
  if (fit.kind !== 'found') return;
  const bytes = fit.smallest.point.bytes ?? 0;
  t.true(bytes >= GIB && bytes < GIB + request.resolutionBytes);
});

for (const [slow, of] of [
  ['the first', 1],
  ['the second', 3],
] as const) {
  test(`one sample that is slow, ${slow} of its limit, is outvoted and told`, async (t) => {
    const loader = loaderNeeding(GIB, 0);
    let turns = 0;
    const fit = await findFit(request, async (bytes) => (turns++ === of ? ok(bytes, 3) : loader(bytes)));
    t.is(fit.kind, 'found', 'more than the highest limit would be needed');
    const [first] = fit.kind === 'found' ? [fit.smallest.point.bytes ?? 0] : [];
    t.true(first !== undefined && first >= GIB && first < GIB + request.resolutionBytes);
    t.is(fit.points.slice(0, 7).filter(({ bytes }) => bytes === request.highestBytes).length, 3);
  });
}

test('who is killed is asked once', async (t) => {
  const fit = await findFit(request, loaderNeeding(3 * GIB, 3 * GIB));
  t.like(fit, { kind: 'none', highest: { label: 'out-of-memory', agree: 1, of: 1 } });
  t.is(fit.points.length, 2);
});

test('a loader that is killed below what it needs says so below its smallest limit', async (t) => {
  const fit = await findFit(request, loaderNeeding(1.1 * GIB, 1.1 * GIB));
  t.is(fit.kind, 'found');
  if (fit.kind !== 'found' || fit.below === null) return;
  t.is(fit.below.label, 'out-of-memory');
});

test('a loader that fits everywhere needs the lowest limit and has none below', async (t) => {
  const fit = await findFit(request, loaderNeeding(0, 0));
  t.like(fit, { kind: 'found', below: null });
  t.is(fit.kind === 'found' ? fit.smallest.point.bytes : null, request.lowestBytes);
  t.is(fit.points.length, 8);
});

test('a loader that is too slow even with the most has no fit, and nothing further is weighed', async (t) => {
  const fit = await findFit(request, loaderNeeding(3 * GIB, 0));
  t.is(fit.kind, 'none');
  t.is(fit.points.length, 2);
});

test('a loader without a speed of its own is undecided, with its reason', async (t) => {
  const fit = await findFit(request, (bytes) =>
    Promise.resolve({ outcome: 'unsupported', bytes, reason: reason('huge-pages-unsupported') }),
  );
  t.is(fit.kind, 'undecided');
  t.is(fit.kind === 'undecided' ? fit.reason.code : null, 'huge-pages-unsupported');
  t.is(fit.points.length, 1);
});

test('a loader that cannot be limited is undecided, not in need of more than the highest limit', async (t) => {
  const fit = await findFit(request, (bytes) =>
    Promise.resolve(bytes === null ? ok(null, 10) : { outcome: 'unsupported', bytes, reason: reason('limit-blind') }),
  );
  t.is(fit.kind, 'undecided');
  t.is(fit.kind === 'undecided' ? fit.reason.code : null, 'limit-blind');
});

test('an invalid point is weighed again, and counts for nothing', async (t) => {
  const loader = loaderNeeding(GIB, 0);
  let turns = 0;
  const fit = await findFit(request, (bytes) => {
    turns += 1;
    return turns % 2 === 0 ? Promise.resolve({ outcome: 'invalid', bytes, reason: reason('not-cold') }) : loader(bytes);
  });
  t.is(fit.kind, 'found');
  t.true(fit.points.some(({ outcome }) => outcome === 'invalid'));
});

test('a point that stays invalid leaves it undecided: no limit is guessed', async (t) => {
  const loader = loaderNeeding(GIB, 0);
  const fit = await findFit(request, (bytes) =>
    bytes === request.lowestBytes
      ? Promise.resolve({ outcome: 'invalid', bytes, reason: reason('limit-not-charged') })
      : loader(bytes),
  );
  t.is(fit.kind, 'undecided');
  t.is(fit.points.filter(({ outcome }) => outcome === 'invalid').length, 3);
});

test('slow for want of memory is thrashing; slow for other causes is not called so', (t) => {
  t.is(labelOf(ok(GIB, 8.9, 0.2 * GIB, 10), request), 'thrashes');
  t.is(labelOf(ok(GIB, 8.9, 0.05 * GIB, 10), request), 'slower');
  t.is(labelOf(ok(GIB, 9, 0.2 * GIB, 10), request), 'fits');
  t.is(
    labelOf({ outcome: 'unsupported', bytes: GIB, reason: reason('limit-below-runtime') }, request),
    'limit-below-runtime',
  );
});
