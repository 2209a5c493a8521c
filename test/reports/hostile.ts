/** A run all of whose names, paths, metadata and messages are hostile. */
import type { Ledger } from '../../src/samples/record.js';
import {
  MODEL,
  arm,
  excluded,
  ledger,
  memory,
  memoryCeiling,
  model,
  nullArm,
  ok,
  peak,
  reason,
  without,
} from '../statistics/ledger-builder.js';

const HUGE = 'W'.repeat(1_000_000);

/** Each would do something somewhere. */
export const EVIL = [
  '</script><script>globalThis.hacked=1</script>',
  '<!--<script>',
  '"><img src=x onerror="globalThis.hacked=2">',
  '\'+alert(1)+\' datum["tip"] {{constructor}}',
  ']]>&amp;&#0;%00<![CDATA[',
  "=cmd|' /C calc'!A0",
  '\u001b[31mred\u001b]0;title\u0007',
  'two\nlines\r\n| cell | [x](javascript:alert(1)) @everyone #1 https://example.test `code` **bold**',
  'nul\u0000 bidi\u202e line\u2028 half\ud800',
].join(' ');

export function hostileLedger(): Ledger {
  const named = (name: string, index: number) =>
    arm(name, { id: `${index} ${name}`, label: `${name} ${EVIL}`, loader: `${name} ${EVIL}`, isa: EVIL, build: EVIL });
  const [base, head, huge, gone] = [named('base', 0), named('head', 1), named(HUGE, 2), named('gone', 3)];
  const timed = [base, head, huge].flatMap((of) =>
    [1, 2, 3].map((round) =>
      ok({ arm: of, round }, { ttftNs: 2e7 + round * 1e6 }, { warnings: [EVIL, HUGE], effective: { evil: EVIL } }),
    ),
  );
  const weighed = [base, head, huge].map((of) =>
    ok(
      { arm: of, pass: 'memory' },
      {},
      {
        memory: {
          ...{ baseline: memory(), loaded: memory(), firstToken: memory({ pssAnonymous: 40_000_000 }), end: memory() },
          ...{ peak: peak(41_000_000), kvCacheBytes: 1000, scratchBytes: 1000 },
        },
        residency: { ...{ before: 0, opened: 0, loaded: 1e6, firstToken: 1e6, after: 1e6 }, size: 1_000_500 },
      },
    ),
  );
  const broken = reason('failed', { message: `${EVIL} ${HUGE}`, path: EVIL, remedy: EVIL });
  return ledger({
    arms: [base, head, huge, gone, nullArm(), memoryCeiling()],
    samples: [
      ...timed,
      ...weighed,
      ok({ arm: memoryCeiling(), round: 1 }),
      without('unsupported', { arm: gone }, broken),
      excluded('invalid', { arm: head, round: 4 }, {}, broken),
    ],
    models: {
      [MODEL]: model({ path: `/models/${EVIL}${HUGE}.gguf`, name: `${EVIL}${HUGE}`, fileSystem: EVIL, device: EVIL }),
    },
    run: {
      tool: `weighbridge ${EVIL}`,
      machine: { fingerprint: EVIL, cpu: { model: `${EVIL}${HUGE}`, usableCores: 2 }, kernel: EVIL },
      command: ['weighbridge', 'run', EVIL, '--out', "it's"],
      config: { path: EVIL, digest: EVIL, plan: EVIL },
    },
    ledger: { warnings: [EVIL] },
  });
}

/** The same run with harmless names. */
export function harmlessLedger(): Ledger {
  const evil = hostileLedger();
  const [base, head, huge, gone] = ['base', 'head', 'huge', 'gone'].map((name) => arm(name));
  const ids = new Map(Object.keys(evil.run.arms).map((id, index) => [id, [base, head, huge, gone][index]] as const));
  const clean = ledger({
    arms: [base!, head!, huge!, gone!, nullArm(), memoryCeiling()],
    samples: evil.samples.map((sample) => {
      const of = ids.get(sample.arm.id) ?? memoryCeiling();
      return { ...sample, arm: { id: of.id, loader: of.loader, model: of.model }, warnings: [] };
    }),
  });
  return clean;
}
