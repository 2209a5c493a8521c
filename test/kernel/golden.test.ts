import test from 'ava';
import { native } from '../../src/native.js';
import { fixtures, greedy, logits, normalizedError, open, stories } from './models.js';

const trained = stories();

for (const isa of native().isas()) {
  for (const { name, path, golden, bound } of trained === undefined ? fixtures : [...fixtures, trained]) {
    test(`${name} answers as llama.cpp does, with ${isa}`, (t) => {
      const session = open(path, { isa });
      t.is(session.isa, isa);
      t.is(session.shape.vocabulary, golden.n_vocab);
      const found = logits(session, golden.tokens);
      t.is(found.length, golden.tokens.length * golden.n_vocab);
      const error = normalizedError(found, golden.logits.flat());
      t.true(error <= bound, `normalized error ${error} exceeds ${bound}`);
      session.close();
    });
  }
}

if (trained === undefined) {
  test('stories260K: skipped, WEIGHBRIDGE_TEST_MODELS names no folder that holds it', (t) => {
    t.log('set WEIGHBRIDGE_TEST_MODELS to a folder with stories260K.gguf and ../golden/stories260K.json beside it');
    t.pass();
  });
} else {
  for (const isa of native().isas()) {
    test(`stories260K tells llama.cpp's story, with ${isa}`, (t) => {
      const session = open(trained.path, { isa });
      t.is(trained.golden.greedy.length, 64);
      t.deepEqual(greedy(session, trained.golden.tokens, 64), [...trained.golden.greedy]);
      session.close();
    });
  }
}
