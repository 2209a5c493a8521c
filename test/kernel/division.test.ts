import test from 'ava';
import { native } from '../../src/native.js';
import { fixtures, logits, open } from './models.js';

const divisions: readonly { readonly batch: number; readonly pieces: readonly number[] }[] = [
  { batch: 64, pieces: [] },
  { batch: 1, pieces: [] },
  { batch: 3, pieces: [] },
  { batch: 5, pieces: [2, 1, 4] },
  { batch: 64, pieces: [1, 1, 1, 1, 1, 1, 1, 1] },
];

function bytes(values: Float32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

for (const { name, path, golden } of fixtures) {
  for (const isa of native().isas()) {
    test(`${name}, ${isa}: logits are the same bits for every number of threads and division of the prompt`, (t) => {
      const reference = bytes(logits(open(path, { isa, threads: 1 }), golden.tokens));
      for (const threads of [1, 2, 3, 7]) {
        for (const { batch, pieces } of divisions) {
          const session = open(path, { isa, threads, batch });
          t.true(bytes(logits(session, golden.tokens, pieces)).equals(reference), `${threads} threads, batch ${batch}`);
          session.close();
        }
      }
    });
  }
}

test('a cleared session answers as a new one', (t) => {
  const { path, golden } = fixtures[0]!;
  const session = open(path);
  const first = bytes(logits(session, golden.tokens));
  session.forward([...golden.tokens].reverse(), golden.tokens.length, 1);
  t.true(bytes(logits(session, golden.tokens)).equals(first));
});

test('rows are those of the last tokens', (t) => {
  const { path, golden } = fixtures[0]!;
  const session = open(path, { batch: 3 });
  const all = logits(session, golden.tokens);
  for (const rows of [1, 2, 4]) {
    session.clear();
    t.deepEqual(session.forward(golden.tokens, 0, rows), all.slice((golden.tokens.length - rows) * golden.n_vocab));
  }
});
