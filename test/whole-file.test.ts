/** Files that appear whole or not at all, whatever ends the process that writes them. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { writeLongWhole, writeWhole } from '../src/whole-file.js';
import { endOf, removeFolder, scratchFolder, startScript, strike, until } from './processes.js';

test('an error names the file that was asked for, and not the one that was written in its place', async (t) => {
  const folder = scratchFolder();
  t.teardown(() => {
    removeFolder(folder);
  });
  const refused = { code: 'EISDIR', path: folder };
  t.like(
    t.throws(() => {
      writeWhole(folder, ['x']);
    }),
    refused,
  );
  t.like(await t.throwsAsync(writeLongWhole(folder, ['x'])), refused);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} while a long file is written ends the process and leaves nothing of the file`, async (t) => {
    const folder = scratchFolder();
    t.teardown(() => {
      removeFolder(folder);
    });
    const script = `
      import { writeLongWhole } from ${JSON.stringify(new URL('../src/whole-file.js', import.meta.url).href)};
      function* endless() { for (;;) yield 'x'; }
      await writeLongWhole(process.argv.at(-1), endless());`;
    const child = startScript(script, [join(folder, 'long.csv')]);
    const ended = endOf(child);
    await until(() => readdirSync(folder).length > 0, 60, 'the file to be begun');
    t.true(strike(child.pid, signal));
    t.is((await ended).signal, signal);
    t.deepEqual(readdirSync(folder), []);
  });
}
