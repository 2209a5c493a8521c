/** Relatives of LLaMA against what llama.cpp answers for the same made-up models (test/fixtures/golden/family.json). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { root } from '../command.js';
import { removeFolder, scratchFolder } from '../processes.js';
import { VOCABULARY, family, writeFamilyModel } from './family.js';
import { logits, normalizedError, open } from './models.js';

const golden = JSON.parse(readFileSync(join(root, 'test/fixtures/golden/family.json'), 'utf8')) as {
  readonly tokens: readonly number[];
  readonly logits: Readonly<Record<string, readonly (readonly number[])[]>>;
};

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});

for (const model of family) {
  test(`${model.name} answers as llama.cpp does`, (t) => {
    // llama.cpp was asked with this context, which decides which factors of longrope count.
    const session = open(writeFamilyModel(folder, model), { context: 512 });
    const found = logits(session, golden.tokens);
    session.close();
    const wanted = golden.logits[model.name]!.flat();
    t.is(wanted.length, golden.tokens.length * VOCABULARY);
    const error = normalizedError(found, wanted);
    t.true(error <= 1e-8, `normalized error ${error}`);
  });
}

test('what sets a relative apart changes its answers', (t) => {
  const answers = family.map(({ name }) => String(golden.logits[name]?.flat()));
  t.is(new Set(answers).size, family.length);
});

test('a token attends to so many positions as the metadata says', (t) => {
  const window = 5;
  const one = { architecture: 'llama', layers: 1 } as const;
  const all = open(writeFamilyModel(folder, { ...one, name: 'all' }));
  const sliding = open(
    writeFamilyModel(folder, {
      ...one,
      name: 'sliding',
      metadata: { 'attention.sliding_window': { type: 'u32', value: window } },
    }),
  );
  const { tokens } = golden;
  const row = (answers: Float32Array, index: number): readonly number[] => [
    ...answers.slice(index * VOCABULARY, (index + 1) * VOCABULARY),
  ];
  const pieces = [3, 1, 4];
  const [whole, seen] = [logits(all, tokens, pieces), logits(sliding, tokens, pieces)];
  t.deepEqual(row(seen, window - 1), row(whole, window - 1));
  t.notDeepEqual(row(seen, window), row(whole, window));
  // With one layer, what lies before the window has no way in; rotations are relative.
  const last = tokens.slice(-window);
  const error = normalizedError(Float32Array.from(row(seen, tokens.length - 1)), row(logits(all, last), window - 1));
  t.true(error < 1e-8, String(error));
  all.close();
  sliding.close();
});
