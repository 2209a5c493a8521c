import test from 'ava';
import { chartDocument } from '../../reports/chart-document.js';
import { vegaSpec } from '../../reports/chart-svg.js';
import { kernelTable } from '../../reports/kernel-table.js';
import { machineFacts } from '../../src/machine.js';
import { benchRows, ceilingRows, type BenchSample, type KernelBench } from '../../src/report/kernel-bench.js';
import { kernelCharts } from '../../src/report/kernel-charts.js';

/** A pass of one token reads 1 MB and takes the 1000 + 1000 weights of it twice: multiplied and added. */
const model = {
  ...{ type: 'q4_0', fileBytes: 2e6, passBytes: 1e6 },
  ...{ layerWeights: 1000, layerBytes: 600, outputWeights: 1000, outputBytes: 400 },
};

function bench(samples: readonly BenchSample[], settings: Partial<KernelBench> = {}): KernelBench {
  return {
    ...{ kind: 'kernel-bench', schema: 1, tool: 'weighbridge', startedAt: '2026-01-01T00:00:00Z', shape: 'tiny' },
    ...{ machine: machineFacts(), runtime: { node: 'v20', isas: ['scalar', 'avx2'] }, rounds: 2 },
    ...{ prompts: [256], batch: 128, models: [model], samples, ...settings },
  };
}

const at = (round: number) => ({ round, type: 'q4_0', threads: 2 });
const decode = (round: number, tokenNs: readonly number[], isa = 'avx2'): BenchSample => ({
  ...{ ...at(round), kind: 'decode', isa, firstTokenNs: 3e6, tokenNs },
});
const ceiling = (round: number, ns: number): BenchSample => ({
  ...at(round),
  kind: 'ceiling',
  bytes: 2e6,
  ns: [9 * ns, ns, ns],
});

test('decoding is told in bytes that a pass reads, against the ceiling of the same round', (t) => {
  // 1 MB in 1 ms and in 2 ms; the ceiling was 2 and 0.5 GB/s meanwhile.
  const made = bench([ceiling(1, 1e6), decode(1, [9e6, 1e6, 1e6]), ceiling(2, 4e6), decode(2, [2e6, 2e6, 1e6])]);
  const [row] = benchRows(made);
  t.deepEqual(row!.decode!.tokensPerSecond.values, [1000, 500]);
  t.deepEqual(row!.decode!.bytesPerSecond.values, [1e9, 0.5e9]);
  t.deepEqual(row!.decode!.ofCeiling!.values, [0.5, 1]);
  t.is(row!.decode!.firstTokenNs.median, 3e6);
  t.is(row!.decode!.flopsPerByte, (2 * 2000) / 1e6);
  t.deepEqual(ceilingRows(made)[0]!.bytesPerSecond.values, [2e9, 0.5e9]);
});

test('a prompt is told in operations of the matrices, the output being that of its last token', (t) => {
  const [row] = benchRows(bench([{ ...at(1), kind: 'prefill', isa: 'avx2', prompt: 256, ns: 1e9 }]));
  const [fed] = row!.prefill;
  t.is(fed!.tokensPerSecond.median, 256);
  t.is(fed!.flopsPerSecond.median, 2 * (256 * 1000 + 1000));
  // In two steps, each of which reads the layers once.
  t.is(fed!.flopsPerByte, (2 * (256 * 1000 + 1000)) / (2 * 600 + 400));
  t.is(row!.decode, null);
});

test('rows are of instruction sets from the slowest on; what failed is in none', (t) => {
  const reason = { code: 'x', operation: 'x', path: null, errno: null, message: 'x', remedy: null };
  const made = bench([decode(1, [1e6]), decode(1, [1e6], 'scalar'), { ...at(2), kind: 'failed', isa: 'avx2', reason }]);
  t.deepEqual(
    benchRows(made).map(({ isa, decode: of }) => [isa, of?.tokensPerSecond.n, of?.ofCeiling]),
    [
      ['scalar', 1, null],
      ['avx2', 1, null],
    ],
  );
});

/** The longest of everything: names, and figures of a machine of terabytes a second. */
function widest(): KernelBench {
  const isas = ['avx512', 'avx512vnni'];
  const types = ['q4_k_m', 'iq4_xs'];
  const samples = types.flatMap((type) =>
    [1, 128].flatMap((threads) =>
      [1, 1.5, 0.5].flatMap((factor, index): readonly BenchSample[] => {
        const setting = { round: index + 1, type, threads };
        return [
          { ...setting, kind: 'ceiling', bytes: 2e9, ns: [9.87e7 / factor] },
          ...isas.flatMap((isa): readonly BenchSample[] => [
            { ...setting, kind: 'decode', isa, firstTokenNs: 1.5e8 * factor, tokenNs: [5.4e7 / factor] },
            { ...setting, kind: 'prefill', isa, prompt: 128, ns: 1e9 / factor },
          ]),
        ];
      }),
    ),
  );
  return bench(samples, {
    ...{ rounds: 3, prompts: [128], runtime: { node: 'v20', isas } },
    models: types.map((type) => ({
      ...{ type, fileBytes: 2e9, passBytes: 1e9, layerWeights: 1e9, layerBytes: 6e8 },
      ...{ outputWeights: 1e8, outputBytes: 6e7 },
    })),
  });
}

test('the table stands in 80 columns, the ceiling below what it bounds', (t) => {
  const made = widest();
  const text = kernelTable({ rows: benchRows(made), ceilings: ceilingRows(made), prompts: [128] });
  for (const line of text.split('\n')) t.true(Array.from(line).length <= 80, line);
  t.regex(text, /q4_k_m +avx512vnni +128 .*\nq4_k_m +ceiling +128 .*\niq4_xs +avx512 +1 /);
  // The share is of each round's own ceiling, though both went up and down.
  t.regex(text, /avx512vnni +128 +19 +18\.5 \(9\.3–27\.8\) +91 \(91–91\) +150 \(75–225\)/);
});

test('both charts are drawn, with all instruction sets and a roof for each number of threads', async (t) => {
  const charts = kernelCharts(widest());
  t.deepEqual(
    charts.map(({ kind }) => kind),
    ['kernel-decode', 'kernel-roofline'],
  );
  for (const chart of charts) {
    for (const width of ['wide', 'narrow'] as const) t.truthy(vegaSpec(chart, width));
    const svg = await chartDocument(chart);
    t.regex(svg, /^<svg .*<\/svg>\n$/s);
    t.notRegex(svg, /NaN|undefined|Infinity/);
    for (const isa of ['avx512', 'avx512vnni']) t.true(svg.includes(`>${isa}<`), isa);
    t.true(chart.table.rows.length >= 8);
  }
  const roofs = charts[1]!.data.filter(({ part }) => part === 'roof label');
  t.deepEqual(
    roofs.map(({ label }) => String(label).split(':')[0]),
    ['1 thread', '128 threads'],
  );
});
