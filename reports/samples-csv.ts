/** Samples as CSV (RFC 4180), a row each, units in the names of columns. Cells that a spreadsheet would run are escaped. */
import type { Arm, Ledger, Memory, Phase, Sample } from '../src/samples/record.js';
import type { NoiseFlag, Summary } from '../src/statistics/summary-types.js';
import { csvCell, type Cell } from './csv-text.js';

const phases = ['setup', 'open', 'acquire', 'firstToken', 'complete', 'prefill', 'decode', 'release'] as const;
const moments = ['baseline', 'loaded', 'firstToken', 'end', 'peak'] as const;

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

type Arms = Readonly<Record<string, Arm>>;

/** A sample, with what stands of it elsewhere. */
interface Row {
  readonly sample: Sample;
  readonly arm: Arm | undefined;
}

/** Columns that are read from one part of a sample, which is looked up once. */
interface Columns {
  /** Only where this is what was done with weights; absent: whatever was. */
  readonly work?: Work;
  readonly names: readonly string[];
  readonly textOf: (row: Row) => string;
}

/** What a run does with weights. */
type Work = 'infer' | 'touch';

/** Asked for every row. */
const known = new WeakMap<Arms, Work>();

function workOf(arms: Arms): Work {
  const found = known.get(arms) ?? (Object.values(arms).some(({ work }) => work === 'touch') ? 'touch' : 'infer');
  known.set(arms, found);
  return found;
}

const onlyOf = (work: Work, of: Columns): Columns => ({ ...of, work });

/** `prefix` stands before each name; of a part that is null all cells are empty. */
function columnsOf<T>(
  partOf: (row: Row) => T | null | undefined,
  columns: Readonly<Record<string, (part: T) => Cell>>,
  prefix = '',
): Columns {
  const cells = Object.values(columns);
  const none = ','.repeat(cells.length - 1);
  return {
    names: Object.keys(columns).map((name) => `${prefix}${name}`),
    textOf: (row) => {
      const part = partOf(row);
      if (part == null) return none;
      let text = '';
      for (const of of cells) text += `,${csvCell(of(part))}`;
      return text.slice(1);
    },
  };
}

const columns: readonly Columns[] = [
  columnsOf(({ sample }) => sample, {
    round: ({ round }) => round,
    block: ({ block }) => block,
    position: ({ position }) => position,
    attempt: ({ attempt }) => attempt,
    pass: ({ pass }) => pass,
    started_at: ({ startedAt }) => startedAt,
    model: ({ arm }) => arm.model,
    loader: ({ arm }) => arm.loader,
  }),
  columnsOf((row) => row, {
    arm_label: ({ arm }) => arm?.label ?? null,
    arm_id: ({ sample }) => sample.arm.id,
  }),
  columnsOf(({ sample }) => sample, {
    state: ({ state }) => state,
    memory_state: ({ memoryState }) => memoryState,
    load: ({ load }) => load,
  }),
  columnsOf((row) => row, {
    setting: ({ sample, arm }) => arm?.setting ?? sample.arm.model,
    work: ({ arm }) => arm?.work ?? null,
  }),
  columnsOf(({ sample }) => sample, {
    group: ({ group }) => group,
    process_index: ({ process }) => process.index,
    processes: ({ process }) => process.of,
    outcome: ({ outcome }) => outcome,
  }),
  columnsOf(({ sample }) => sample.reason, {
    reason_code: ({ code }) => code,
    reason_message: ({ message }) => message,
    reason_errno: ({ errno }) => errno,
  }),
  columnsOf(({ sample }) => sample, {
    ttft_ns: ({ ttftNs }) => ttftNs,
    complete_ns: ({ completeNs }) => completeNs,
    settled_ns: ({ settledNs }) => settledNs,
  }),
  onlyOf(
    'infer',
    columnsOf(({ sample }) => sample.debt, {
      debt_ns: ({ ns }) => ns,
      debt_explained_ns: ({ explainedNs }) => explainedNs,
      debt_unexplained_ns: ({ unexplainedNs }) => unexplainedNs,
      debt_waited_ns: ({ waitedNs }) => waitedNs,
      debt_minor_faults: ({ minorFaults }) => minorFaults,
      debt_major_faults: ({ majorFaults }) => majorFaults,
      debt_read_bytes: ({ readBytes }) => readBytes,
    }),
  ),
  columnsOf(({ sample }) => sample.traffic, {
    device_reads: ({ reads }) => reads,
    device_read_bytes: ({ readBytes }) => readBytes,
    device_mean_request_bytes: ({ meanRequestBytes }) => meanRequestBytes,
  }),
  columnsOf(({ sample }) => sample, {
    bytes_needed: ({ bytesNeeded }) => bytesNeeded,
    untouched_bytes: ({ untouchedBytes }) => untouchedBytes,
  }),
  ...phases.map((name) => {
    const of = columnsOf<Phase>(
      ({ sample }) => sample.phases?.[name],
      {
        ns: ({ ns }) => ns,
        minor_faults: ({ minorFaults }) => minorFaults,
        major_faults: ({ majorFaults }) => majorFaults,
        read_bytes: ({ readBytes }) => readBytes,
        user_ns: ({ userNs }) => userNs,
        system_ns: ({ systemNs }) => systemNs,
      },
      `phase_${snake(name)}_`,
    );
    return name === 'prefill' || name === 'decode' ? onlyOf('infer', of) : of;
  }),
  ...moments.map((name) =>
    columnsOf<Memory>(
      ({ sample }) => sample.memory?.[name],
      {
        rss_bytes: ({ rss }) => rss,
        pss_anonymous_bytes: ({ pssAnonymous }) => pssAnonymous,
        pss_shmem_bytes: ({ pssShmem }) => pssShmem,
        pss_file_bytes: ({ pssFile }) => pssFile,
        hugetlb_bytes: ({ hugetlb }) => hugetlb,
        swap_bytes: ({ swap }) => swap,
        page_tables_bytes: ({ pageTables }) => pageTables,
      },
      `memory_${snake(name)}_`,
    ),
  ),
  columnsOf(({ sample }) => sample.memory, {
    memory_peak_unreclaimable_bytes: ({ peak }) => peak.unreclaimable,
  }),
  onlyOf(
    'infer',
    columnsOf(({ sample }) => sample.memory, {
      kv_cache_bytes: ({ kvCacheBytes }) => kvCacheBytes,
      scratch_bytes: ({ scratchBytes }) => scratchBytes,
    }),
  ),
  columnsOf(({ sample }) => sample.residency, {
    resident_before_bytes: ({ before }) => before,
    resident_opened_bytes: ({ opened }) => opened,
    resident_loaded_bytes: ({ loaded }) => loaded,
    resident_first_token_bytes: ({ firstToken }) => firstToken,
    resident_after_bytes: ({ after }) => after,
    file_bytes: ({ size }) => size,
  }),
  onlyOf(
    'infer',
    columnsOf(({ sample }) => sample.tokens, {
      prompt_tokens: ({ prompt }) => prompt,
      generated_tokens: ({ generated }) => generated,
      per_token_ns: ({ perTokenNs }) => perTokenNs.join(';'),
    }),
  ),
  onlyOf(
    'infer',
    columnsOf(({ sample }) => sample.tokensPerSecond, {
      prefill_tokens_per_second: ({ prefill }) => prefill,
      decode_tokens_per_second: ({ decode }) => decode,
    }),
  ),
  onlyOf(
    'infer',
    columnsOf(({ sample }) => sample, {
      isa: ({ isa }) => isa,
      logits_hash: ({ logitsHash }) => logitsHash,
    }),
  ),
  onlyOf(
    'touch',
    columnsOf(({ sample }) => sample, { content_hash: ({ contentHash }) => contentHash }),
  ),
  columnsOf(({ sample }) => sample.process, {
    spawn_to_start_ns: ({ spawnToStartNs }) => spawnToStartNs,
    exit_code: ({ exitCode }) => exitCode,
    signal: ({ signal }) => signal,
  }),
  columnsOf(({ sample }) => sample.command, {
    command_wall_ns: ({ wallNs }) => wallNs,
    command_first_byte_ns: ({ firstByteNs }) => firstByteNs,
    command_user_ns: ({ userNs }) => userNs,
    command_system_ns: ({ systemNs }) => systemNs,
    command_minor_faults: ({ minorFaults }) => minorFaults,
    command_major_faults: ({ majorFaults }) => majorFaults,
    command_read_bytes: ({ readBytes }) => readBytes,
    command_peak_rss_bytes: ({ peakRss }) => peakRss,
    command_peak_pss_bytes: ({ peakPss }) => peakPss,
    command_exit_code: ({ exitCode }) => exitCode,
    command_signal: ({ signal }) => signal,
    command_matched: ({ matched }) => matched,
  }),
  columnsOf(({ sample }) => sample.noise, {
    steal_ns: ({ stealNs }) => stealNs,
    voluntary_switches: ({ voluntarySwitches }) => voluntarySwitches,
    involuntary_switches: ({ involuntarySwitches }) => involuntarySwitches,
    spin_before_ns: ({ spinBeforeNs }) => spinBeforeNs,
    spin_after_ns: ({ spinAfterNs }) => spinAfterNs,
    first_touch_ns: ({ firstTouchNs }) => firstTouchNs,
    cpu_pressure_ns: ({ pressureNs }) => pressureNs.cpu,
    io_pressure_ns: ({ pressureNs }) => pressureNs.io,
    memory_pressure_ns: ({ pressureNs }) => pressureNs.memory,
    load_average: ({ loadAverage }) => loadAverage,
  }),
  columnsOf(({ sample }) => sample.noise?.machine, {
    watched_ns: ({ lastedNs }) => lastedNs,
    busy_cpu_ns: ({ busyNs }) => busyNs,
    other_cpu_ns: ({ otherCpuNs }) => otherCpuNs,
    other_read_bytes: ({ otherReadBytes }) => otherReadBytes,
    device_written_bytes: ({ writtenBytes }) => writtenBytes,
    throttle_events: ({ throttleEvents }) => throttleEvents,
    clock_low_hz: ({ clock }) => clock?.lowHz ?? null,
    clock_high_hz: ({ clock }) => clock?.highHz ?? null,
  }),
];

/** Behind the column that says what disturbed a sample, which is known only when all are. */
const columnsBehind: readonly Columns[] = [
  columnsOf(({ sample }) => sample, {
    effective: ({ effective }) => (effective === null ? null : JSON.stringify(effective)),
    warnings_count: ({ warnings }) => warnings.length,
    warnings: ({ warnings }) => warnings.join('; '),
  }),
];

/** Rows a chunk: enough that writing them costs more than asking for them, and no more than is soon forgotten. */
const CHUNK = 128;

const layouts: Readonly<Record<Work, readonly Columns[]>> = { infer: layoutOf('infer'), touch: layoutOf('touch') };

function layoutOf(wanted: Work): readonly Columns[] {
  return columns.filter(({ work = wanted }) => work === wanted);
}

/** Where weights were touched times are to another moment, and columns are called by it. */
function nameFor(work: Work, name: string): string {
  return work === 'infer' ? name : name.replace(/^ttft_/, 'last_needed_byte_').replace('first_token', 'needed_bytes');
}

const namesOf = (of: readonly Columns[]): readonly string[] => of.flatMap(({ names }) => names);

/** With its line break. */
export function samplesCsvHeading(arms: Arms): string {
  const work = workOf(arms);
  const names = [...namesOf(layouts[work]), 'disturbed_by', ...namesOf(columnsBehind)];
  return `${names.map((name) => nameFor(work, name)).join(',')}\n`;
}

/** What stands in the row of a sample before what disturbed it, and behind it to the end of the line. */
export function samplesCsvRow(sample: Sample, arms: Arms): readonly [before: string, behind: string] {
  const row = { sample, arm: arms[sample.arm.id] };
  const text = (of: readonly Columns[]): string => of.map(({ textOf }) => textOf(row)).join(',');
  return [`${text(layouts[workOf(arms)])},`, `,${text(columnsBehind)}\n`];
}

/** The cell between. */
export function disturbedCell(flags: readonly NoiseFlag[]): string {
  return csvCell(flags.join('; '));
}

/**
 * The heading, then samples some at a time, for ledgers too long for one string: `Readable.from(…)` writes it. `marks` are
 * those of the summary.
 */
export function* samplesCsvChunks(
  samples: Iterable<Sample>,
  arms: Arms,
  marks: Summary['noise']['marks'],
): Generator<string, void, void> {
  const flagsOf = new Map(marks.map(({ sample, flags }) => [sample, flags]));
  let lines = [samplesCsvHeading(arms)];
  let index = 0;
  for (const sample of samples) {
    lines.push(samplesCsvRow(sample, arms).join(disturbedCell(flagsOf.get(index++) ?? [])));
    if (lines.length < CHUNK) continue;
    yield lines.join('');
    lines = [];
  }
  if (lines.length > 0) yield lines.join('');
}

export function samplesCsv({ run, samples }: Ledger, { noise }: Pick<Summary, 'noise'>): string {
  return [...samplesCsvChunks(samples, run.arms, noise.marks)].join('');
}
