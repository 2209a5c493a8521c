import test from 'ava';
import { native } from '../../src/native.js';
import { fixtures, logits, normalizedError, open } from './models.js';

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

for (const { name, path, golden, bound } of fixtures) {
  for (const isa of native().isas()) {
    test(`${name}, ${isa}: logits are the same bits for every number of threads`, (t) => {
      for (const { batch, pieces } of divisions) {
        const [reference, ...others] = [1, 2, 3, 7].map((threads) => {
          const session = open(path, { isa, threads, batch });
          const found = bytes(logits(session, golden.tokens, pieces));
          session.close();
          return found;
        });
        for (const found of others) t.true(found.equals(reference!), `batch ${batch}, pieces of ${String(pieces)}`);
      }
    });

    // Many tokens may be multiplied in another order than few: rounding differs, and with it a quantized activation or two.
    test(`${name}, ${isa}: logits hardly depend on how the prompt is divided`, (t) => {
      const whole = [...logits(open(path, { isa }), golden.tokens)];
      for (const { batch, pieces } of divisions) {
        const error = normalizedError(logits(open(path, { isa, batch }), golden.tokens, pieces), whole);
        t.true(error <= bound / 10, `batch ${batch}, pieces of ${String(pieces)}: ${error}`);
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
    const found = session.forward(golden.tokens, 0, rows);
    const last = all.slice((golden.tokens.length - rows) * golden.n_vocab);
    t.is(found.length, last.length);
    t.true(normalizedError(found, [...last]) <= 1e-9);
  }
});
