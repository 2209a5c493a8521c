import test from 'ava';
import { mostTouched } from '../../src/samples/room.js';

const GIB = 2 ** 30;
const memory = { availableBytes: 20 * GIB, unusedBytes: 3 * GIB };

test('where no page cache has to stay, all that is wanted may be touched', (t) => {
  t.is(mostTouched('nothing', { modelBytes: 18 * GIB, wanted: 16 * GIB }, memory), Infinity);
});

test('a warm model with room beside it may have all touched that is wanted: older pages go first', (t) => {
  t.is(mostTouched('model', { modelBytes: 4 * GIB, wanted: 9 * GIB }, memory), Infinity);
});

test('a warm model that would not stay beside what is wanted leaves only unused memory to touch', (t) => {
  const most = mostTouched('model', { modelBytes: 9 * GIB, wanted: 16 * GIB }, memory);
  t.true(most > 0 && most <= 2.75 * GIB, String(most));
});

test('where all page cache has to stay, only unused memory may be touched, and of little nothing', (t) => {
  const most = mostTouched('everything', { modelBytes: GIB, wanted: GIB }, memory);
  t.true(most > 0 && most <= 2.75 * GIB, String(most));
  const little = { ...memory, unusedBytes: 200 * 2 ** 20 };
  t.is(mostTouched('everything', { modelBytes: GIB, wanted: GIB }, little), 0);
  t.is(mostTouched('everything', { modelBytes: GIB, wanted: GIB }, { ...memory, unusedBytes: null }), 0);
});
