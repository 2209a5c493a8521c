/** Samples as CSV (RFC 4180), a row each, units in the names of columns. Cells that a spreadsheet would run are escaped. */
import type { Arm, Ledger, Memory, Phase, Sample } from '../src/samples/record.js';
import type { NoiseFlag, Summary } from '../src/statistics/summary-types.js';
import { csvText, type Cell } from './csv-text.js';

const phases = ['setup', 'open', 'acquire', 'firstToken', 'complete', 'prefill', 'decode', 'release'] as const;
const moments = ['baseline', 'loaded', 'firstToken', 'end', 'peak'] as const;

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const phaseColumns: readonly (readonly [string, (phase: Phase) => Cell])[] = [
  ['ns', ({ ns }) => ns],
  ['minor_faults', ({ minorFaults }) => minorFaults],
  ['major_faults', ({ majorFaults }) => majorFaults],
  ['read_bytes', ({ readBytes }) => readBytes],
  ['user_ns', ({ userNs }) => userNs],
  ['system_ns', ({ systemNs }) => systemNs],
];

const memoryColumns: readonly (readonly [string, (memory: Memory) => Cell])[] = [
  ['rss_bytes', ({ rss }) => rss],
  ['pss_anonymous_bytes', ({ pssAnonymous }) => pssAnonymous],
  ['pss_shmem_bytes', ({ pssShmem }) => pssShmem],
  ['pss_file_bytes', ({ pssFile }) => pssFile],
  ['hugetlb_bytes', ({ hugetlb }) => hugetlb],
  ['swap_bytes', ({ swap }) => swap],
  ['page_tables_bytes', ({ pageTables }) => pageTables],
];

type Arms = Readonly<Record<string, Arm>>;

type Flags = readonly NoiseFlag[];

type Column = readonly [name: string, of: (sample: Sample, arms: Arms, flags: Flags) => Cell];

const columns: readonly Column[] = [
  ['round', ({ round }) => round],
  ['block', ({ block }) => block],
  ['position', ({ position }) => position],
  ['attempt', ({ attempt }) => attempt],
  ['pass', ({ pass }) => pass],
  ['started_at', ({ startedAt }) => startedAt],
  ['model', ({ arm }) => arm.model],
  ['loader', ({ arm }) => arm.loader],
  ['arm_label', ({ arm }, arms) => arms[arm.id]?.label ?? null],
  ['arm_id', ({ arm }) => arm.id],
  ['state', ({ state }) => state],
  ['memory_state', ({ memoryState }) => memoryState],
  ['load', ({ load }) => load],
  ['setting', ({ arm }, arms) => arms[arm.id]?.setting ?? arm.model],
  ['group', ({ group }) => group],
  ['process_index', ({ process }) => process.index],
  ['processes', ({ process }) => process.of],
  ['outcome', ({ outcome }) => outcome],
  ['reason_code', ({ reason }) => reason?.code ?? null],
  ['reason_message', ({ reason }) => reason?.message ?? null],
  ['reason_errno', ({ reason }) => reason?.errno ?? null],
  ['ttft_ns', ({ ttftNs }) => ttftNs],
  ['complete_ns', ({ completeNs }) => completeNs],
  ['settled_ns', ({ settledNs }) => settledNs],
  ['debt_ns', ({ debt }) => debt?.ns ?? null],
  ['debt_explained_ns', ({ debt }) => debt?.explainedNs ?? null],
  ['debt_unexplained_ns', ({ debt }) => debt?.unexplainedNs ?? null],
  ['debt_waited_ns', ({ debt }) => debt?.waitedNs ?? null],
  ['debt_minor_faults', ({ debt }) => debt?.minorFaults ?? null],
  ['debt_major_faults', ({ debt }) => debt?.majorFaults ?? null],
  ['debt_read_bytes', ({ debt }) => debt?.readBytes ?? null],
  ['device_reads', ({ traffic }) => traffic?.reads ?? null],
  ['device_read_bytes', ({ traffic }) => traffic?.readBytes ?? null],
  ['device_mean_request_bytes', ({ traffic }) => traffic?.meanRequestBytes ?? null],
  ['bytes_needed', ({ bytesNeeded }) => bytesNeeded],
  ['untouched_bytes', ({ untouchedBytes }) => untouchedBytes],
  ...phases.flatMap((name) =>
    phaseColumns.map(([column, of]): Column => {
      const cell = (sample: Sample): Cell => {
        const phase = sample.phases?.[name] ?? null;
        return phase === null ? null : of(phase);
      };
      return [`phase_${snake(name)}_${column}`, cell];
    }),
  ),
  ...moments.flatMap((name) =>
    memoryColumns.map(([column, of]): Column => {
      const cell = (sample: Sample): Cell => {
        const memory = sample.memory?.[name] ?? null;
        return memory === null ? null : of(memory);
      };
      return [`memory_${snake(name)}_${column}`, cell];
    }),
  ),
  ['memory_peak_unreclaimable_bytes', ({ memory }) => memory?.peak.unreclaimable ?? null],
  ['kv_cache_bytes', ({ memory }) => memory?.kvCacheBytes ?? null],
  ['scratch_bytes', ({ memory }) => memory?.scratchBytes ?? null],
  ['resident_before_bytes', ({ residency }) => residency?.before ?? null],
  ['resident_opened_bytes', ({ residency }) => residency?.opened ?? null],
  ['resident_loaded_bytes', ({ residency }) => residency?.loaded ?? null],
  ['resident_first_token_bytes', ({ residency }) => residency?.firstToken ?? null],
  ['resident_after_bytes', ({ residency }) => residency?.after ?? null],
  ['file_bytes', ({ residency }) => residency?.size ?? null],
  ['prompt_tokens', ({ tokens }) => tokens?.prompt ?? null],
  ['generated_tokens', ({ tokens }) => tokens?.generated ?? null],
  ['per_token_ns', ({ tokens }) => tokens?.perTokenNs.join(';') ?? null],
  ['prefill_tokens_per_second', ({ tokensPerSecond }) => tokensPerSecond?.prefill ?? null],
  ['decode_tokens_per_second', ({ tokensPerSecond }) => tokensPerSecond?.decode ?? null],
  ['isa', ({ isa }) => isa],
  ['logits_hash', ({ logitsHash }) => logitsHash],
  ['spawn_to_start_ns', ({ process }) => process.spawnToStartNs],
  ['exit_code', ({ process }) => process.exitCode],
  ['signal', ({ process }) => process.signal],
  ['command_wall_ns', ({ command }) => command?.wallNs ?? null],
  ['command_first_byte_ns', ({ command }) => command?.firstByteNs ?? null],
  ['command_user_ns', ({ command }) => command?.userNs ?? null],
  ['command_system_ns', ({ command }) => command?.systemNs ?? null],
  ['command_minor_faults', ({ command }) => command?.minorFaults ?? null],
  ['command_major_faults', ({ command }) => command?.majorFaults ?? null],
  ['command_read_bytes', ({ command }) => command?.readBytes ?? null],
  ['command_peak_rss_bytes', ({ command }) => command?.peakRss ?? null],
  ['command_peak_pss_bytes', ({ command }) => command?.peakPss ?? null],
  ['command_exit_code', ({ command }) => command?.exitCode ?? null],
  ['command_signal', ({ command }) => command?.signal ?? null],
  ['command_matched', ({ command }) => command?.matched ?? null],
  ['steal_ns', ({ noise }) => noise?.stealNs ?? null],
  ['voluntary_switches', ({ noise }) => noise?.voluntarySwitches ?? null],
  ['involuntary_switches', ({ noise }) => noise?.involuntarySwitches ?? null],
  ['spin_before_ns', ({ noise }) => noise?.spinBeforeNs ?? null],
  ['spin_after_ns', ({ noise }) => noise?.spinAfterNs ?? null],
  ['first_touch_ns', ({ noise }) => noise?.firstTouchNs ?? null],
  ['cpu_pressure_ns', ({ noise }) => noise?.pressureNs.cpu ?? null],
  ['io_pressure_ns', ({ noise }) => noise?.pressureNs.io ?? null],
  ['memory_pressure_ns', ({ noise }) => noise?.pressureNs.memory ?? null],
  ['load_average', ({ noise }) => noise?.loadAverage ?? null],
  ['watched_ns', ({ noise }) => noise?.machine?.lastedNs ?? null],
  ['busy_cpu_ns', ({ noise }) => noise?.machine?.busyNs ?? null],
  ['other_cpu_ns', ({ noise }) => noise?.machine?.otherCpuNs ?? null],
  ['other_read_bytes', ({ noise }) => noise?.machine?.otherReadBytes ?? null],
  ['device_written_bytes', ({ noise }) => noise?.machine?.writtenBytes ?? null],
  ['throttle_events', ({ noise }) => noise?.machine?.throttleEvents ?? null],
  ['clock_low_hz', ({ noise }) => noise?.machine?.clock?.lowHz ?? null],
  ['clock_high_hz', ({ noise }) => noise?.machine?.clock?.highHz ?? null],
  ['disturbed_by', (_sample, _arms, flags) => flags.join('; ')],
  ['effective', ({ effective }) => (effective === null ? null : JSON.stringify(effective))],
  ['warnings_count', ({ warnings }) => warnings.length],
  ['warnings', ({ warnings }) => warnings.join('; ')],
];

/** Rows a chunk: enough that writing them costs more than asking for them. */
const CHUNK = 1000;

/**
 * The heading, then samples some thousand at a time, for ledgers too long for one string: `Readable.from(…)` writes it.
 * `marks` are those of the summary.
 */
export function* samplesCsvChunks(
  samples: Iterable<Sample>,
  arms: Arms,
  marks: Summary['noise']['marks'],
): Generator<string, void, void> {
  const flagsOf = new Map(marks.map(({ sample, flags }) => [sample, flags]));
  let rows: Cell[][] = [columns.map(([name]) => name)];
  let index = 0;
  for (const sample of samples) {
    const flags = flagsOf.get(index++) ?? [];
    rows.push(columns.map(([, of]) => of(sample, arms, flags)));
    if (rows.length < CHUNK) continue;
    yield csvText(rows);
    rows = [];
  }
  if (rows.length > 0) yield csvText(rows);
}

export function samplesCsv({ run, samples }: Ledger, { noise }: Pick<Summary, 'noise'>): string {
  return [...samplesCsvChunks(samples, run.arms, noise.marks)].join('');
}
