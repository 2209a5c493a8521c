import { existsSync, readdirSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { cachedModel, writeCachedModel } from '../../src/synthetic/cached-model.js';
import { removeFolder, scratchFolder } from '../processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

test.serial('a model is written once, and again where somebody touched it', async (t) => {
  const env = { XDG_CACHE_HOME: folder };
  const before = cachedModel('tiny', { env });
  t.false(before.isThere);
  t.is(dirname(before.path), join(folder, 'weighbridge', 'models'));
  await writeCachedModel(before, {});
  t.true(cachedModel('tiny', { env }).isThere);
  t.true(existsSync(before.path));
  t.false(readdirSync(dirname(before.path)).some((name) => name.startsWith('partial')));
  utimesSync(before.path, 1, 1);
  t.false(cachedModel('tiny', { env }).isThere);
});
