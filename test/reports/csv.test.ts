import test from 'ava';
import { csvCell, csvText, type Cell } from '../../reports/csv-text.js';
import { samplesCsv, samplesCsvChunks } from '../../reports/samples-csv.js';
import { summaryCsv } from '../../reports/summary-csv.js';
import { summaryJson } from '../../reports/summary-json.js';
import type { Ledger, Sample } from '../../src/samples/record.js';
import { summarize } from '../../src/statistics/summarize.js';
import { arm, ledger, memoryCeiling, ok, reason, without } from '../statistics/ledger-builder.js';

/** A reader of RFC 4180, for tests: quotes doubled inside quotes. */
function parse(csv: string): readonly Readonly<Record<string, string>>[] {
  const rows: string[][] = [[]];
  for (const [, quoted, bare, end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|$)/g)) {
    rows.at(-1)!.push(quoted?.replaceAll('""', '"') ?? bare ?? '');
    if (end === '\n') rows.push([]);
  }
  const [header, ...records] = rows.filter((row) => row.length > 1);
  return records.map((record) => Object.fromEntries(header!.map((name, index) => [name, record[index] ?? 'missing'])));
}

const csvOf = (of: Ledger): string => samplesCsv(of, summarize(of));

const base = arm('cxx-stream');
const head = arm('mmap-shared');

test('a sample is a row whose columns name their units', (t) => {
  const [row] = parse(
    csvOf(
      ledger({ arms: [base], samples: [ok({ arm: base, round: 3 }, { loadNs: 1000, ttftNs: 77, completeNs: 88 })] }),
    ),
  );
  t.like(row, {
    round: '3',
    loader: 'cxx-stream',
    state: 'warm',
    outcome: 'ok',
    reason_code: '',
    ttft_ns: '77',
    complete_ns: '88',
    phase_open_ns: '100',
    phase_acquire_ns: '900',
    memory_baseline_pss_anonymous_bytes: '30000000',
    decode_tokens_per_second: '12',
    effective: '{}',
  });
});

test('what was not measured is an empty cell, never 0', (t) => {
  const samples = [ok({ arm: memoryCeiling() }), without('failed', { arm: base }, reason('signal'))];
  const [ceiling, failed] = parse(csvOf(ledger({ arms: [base, memoryCeiling()], samples })));
  t.like(ceiling, { ttft_ns: '', phase_acquire_ns: '', kv_cache_bytes: '' });
  t.like(failed, { ttft_ns: '', complete_ns: '', effective: '', reason_code: 'signal' });
});

test('both files tell a loader from itself, by label and id', (t) => {
  const copy = arm('cxx-stream', { label: 'cxx-stream#2', id: 'cxx-stream#2 model-a' });
  const made = ledger({ arms: [base, copy], samples: [ok({ arm: copy }), ok({ arm: base })] });
  const wanted = { loader: 'cxx-stream', arm_label: 'cxx-stream#2', arm_id: 'cxx-stream#2 model-a' };
  t.like(parse(csvOf(made))[0], wanted);
  t.like(
    parse(summaryCsv(summarize(made))).find((row) => row['is_reference'] === 'false'),
    wanted,
  );
});

test('each token, what stalled and how many warnings are columns', (t) => {
  const sample = ok({ arm: base }, {}, { warnings: ['one', 'two'] });
  const noise = { ...sample.noise, pressureNs: { cpu: 1, io: 22, memory: null }, loadAverage: 0.25 };
  const [row] = parse(csvOf(ledger({ arms: [base], samples: [{ ...sample, noise }] })));
  t.like(row, {
    per_token_ns: '20000000;5000000',
    cpu_pressure_ns: '1',
    io_pressure_ns: '22',
    memory_pressure_ns: '',
    load_average: '0.25',
    warnings_count: '2',
    warnings: 'one; two',
  });
});

test('what disturbed a sample is a column of both files', (t) => {
  const sample = ok({ arm: base });
  const machine = {
    ...{ lastedNs: 1e9, cpus: 2, busyNs: 1e9, otherCpuNs: 5e8, ownReadBytes: 0, otherReadBytes: 7, writtenBytes: 8 },
    ...{ throttleEvents: 1, clock: { lowHz: 2e9, highHz: 3e9 } },
  };
  const disturbed: Sample = { ...sample, noise: { ...sample.noise, machine } };
  const made = ledger({ arms: [base], samples: [sample, disturbed] });
  const [quiet, loud] = parse(csvOf(made));
  t.like(quiet, { disturbed_by: '', watched_ns: '', other_cpu_ns: '' });
  t.like(loud, {
    disturbed_by: 'other-cpu; throttled',
    watched_ns: '1000000000',
    other_cpu_ns: '500000000',
    other_read_bytes: '7',
    device_written_bytes: '8',
    throttle_events: '1',
    clock_low_hz: '2000000000',
    clock_high_hz: '3000000000',
  });
  t.like(parse(summaryCsv(summarize(made)))[0], { disturbed: '1', disturbed_by: 'other-cpu 1; throttled 1' });
});

test('no two columns have one name', (t) => {
  for (const header of [
    csvOf(ledger({ arms: [], samples: [] })),
    summaryCsv(summarize(ledger({ arms: [], samples: [] }))),
  ]) {
    const names = header.trim().split(',');
    t.deepEqual([...new Set(names)], names);
  }
});

test('text with quotes, commas and line breaks comes back as it was', (t) => {
  const message = 'a "quoted", reason\nof two lines';
  const samples = [ok({ arm: base }), without('failed', { arm: base }, reason('signal', { message }))];
  t.is(parse(csvOf(ledger({ arms: [base], samples })))[1]!['reason_message'], message);
});

test('thousands of samples come in chunks, one heading and none lost', (t) => {
  const samples = Array.from({ length: 2500 }, (_, round) => ok({ arm: base, round }));
  const chunks = [...samplesCsvChunks(samples, { [base.id]: base }, [])];
  t.true(chunks.length > 1);
  t.true(chunks.every((chunk) => chunk.endsWith('\n')));
  t.deepEqual(
    parse(chunks.join('')).map((row) => Number(row['round'])),
    samples.map(({ round }) => round),
  );
});

test('a cell alone is the same text as in a row', (t) => {
  const cells: readonly Cell[] = [
    ...[
      '',
      'plain',
      'a b',
      ' a',
      'a ',
      '-x',
      '=1',
      '+1',
      '@x',
      '\t',
      '\r',
      'a\nb',
      'a,b',
      'a"b',
      '"',
      "'",
      'é',
      '1',
      '-1',
    ],
    ...[
      '\u0000',
      '\u001b[31m',
      '\u0085',
      '２',
      '＝1',
      'a;b',
      '{"a":1}',
      'x=1',
      '(a) +b',
      'a-b',
      '"a,"',
      '{"a":[1,"\\n"]}',
      '[1,2]',
      'a,é',
      'a,\t',
      ',',
      ',=1',
      '=,',
      '-,',
      '.5',
      ':',
      '_',
    ],
    ...[0, -0, 1, -1, 0.1, -0.5, 1e21, 1e-7, NaN, Infinity, null],
  ];
  t.is(`${cells.map(csvCell).join(',')}\n`, csvText([cells]));
  for (const cell of cells) t.is(`${csvCell(cell)},1\n`, csvText([[cell, 1]]), JSON.stringify(cell));
});

test('a cell of the summary is a row with medians, spreads and counts', (t) => {
  const samples = [1, 2].flatMap((round) => [
    ok({ arm: base, round }, { ttftNs: 100 }),
    ok({ arm: head, round }, { ttftNs: 25 * round }),
  ]);
  const rows = parse(summaryCsv(summarize(ledger({ arms: [base, head], samples }))));
  t.deepEqual(
    rows.map((row) => [row['arm_label'], row['is_reference']]),
    [
      ['mmap-shared', 'false'],
      ['cxx-stream', 'true'],
    ],
  );
  t.like(rows[0], {
    ok: '2',
    ttft_ns_median: '37.5',
    ttft_ns_samples: '2',
    ttft_ratio_median: '0.375',
    ttft_ratio_low: '0.25',
    ttft_ratio_high: '0.5',
    ttft_ratio_spread: 'range',
    ttft_ratio_confidence: '',
    ttft_ratio_pairs: '2',
    ttft_ratio_values: '0.25 0.5',
    unreclaimable_bytes: '',
  });
});

for (const formula of ['=cmd|" /C calc"!A0', '+1', '@SUM(A1)', '-2+3', '\t=1', '\r=1']) {
  test(`a cell that begins like the formula ${JSON.stringify(formula)} is escaped`, (t) => {
    const of = arm('x', { id: formula, loader: formula, label: formula });
    const made = ledger({ arms: [of], samples: [ok({ arm: of }, {}, { warnings: [formula] })] });
    const [sample] = parse(csvOf(made));
    t.like(sample, { loader: `'${formula}`, arm_id: `'${formula}`, arm_label: `'${formula}`, warnings: `'${formula}` });
    const [cell] = parse(summaryCsv(summarize(made)));
    t.like(cell, { loader: `'${formula}`, arm_id: `'${formula}`, arm_label: `'${formula}`, warnings: `'${formula}` });
  });
}

test('the JSON is the summary', (t) => {
  const summary = summarize(ledger({ arms: [base], samples: [ok({ arm: base })] }));
  t.deepEqual(JSON.parse(summaryJson(summary)), summary);
  t.true(summaryJson(summary).endsWith('}\n'));
});
