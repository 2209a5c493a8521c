/** What a run may take over of an earlier one about free memory. */
import test from 'ava';
import { firstTouchBacked, stillHolds } from '../../src/samples/states.js';

const MODEL_BYTES = 2 ** 25;
const { signal } = new AbortController();
const holds = (backedNs: number, limitNs: number | null): Promise<boolean> =>
  stillHolds({ backedNs, returnedNs: null, limitNs }, MODEL_BYTES, 1, signal);

test.serial('a limit that was learned while memory was touched far faster or slower is learned anew', async (t) => {
  const now = await firstTouchBacked(MODEL_BYTES, 1, signal);
  t.false(await holds(now / 1000, now));
  t.false(await holds(now * 1000, now * 2000));
});

test.serial('without a limit there is nothing that could have changed', async (t) => {
  t.true(await holds(1, null));
});
