import test from 'ava';
import { toldOnce } from '../../src/report/reasons.js';

const reason = (message: string, code = 'memory-not-backed') => ({
  outcome: 'invalid',
  count: 1,
  reason: { code, operation: 'first touch', path: null, errno: null, message, remedy: null },
});

test('reasons that differ only in figures are told once, with the range of each figure', (t) => {
  const told = toldOnce([
    reason('32 MiB took 8.2 ms, the limit is 4.7 ms'),
    { ...reason('32 MiB took 11.25 ms, the limit is 4.7 ms'), count: 3 },
    reason('32 MiB took 5 ms, the limit is 4.7 ms'),
    reason('32 MiB took 9 ms, the limit is 4.7 ms', 'other'),
    reason('nothing came'),
  ]);
  t.deepEqual(
    told.map(({ count, reason: { message } }) => `${count} × ${message}`),
    [
      '5 × 32 MiB took 5–11.25 ms, the limit is 4.7 ms',
      '1 × 32 MiB took 9 ms, the limit is 4.7 ms',
      '1 × nothing came',
    ],
  );
});
