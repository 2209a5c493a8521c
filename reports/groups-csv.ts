/** Groups of processes as CSV (RFC 4180), a row each, units in the names of columns. */
import type { Arm, Group, SummedMemory } from '../src/samples/record.js';
import { csvText, type Cell } from './csv-text.js';

type Arms = Readonly<Record<string, Arm>>;

const sums = {
  pss_bytes: ({ pss }) => pss,
  pss_anonymous_bytes: ({ pssAnonymous }) => pssAnonymous,
  pss_shmem_bytes: ({ pssShmem }) => pssShmem,
  pss_file_bytes: ({ pssFile }) => pssFile,
  hugetlb_bytes: ({ hugetlb }) => hugetlb,
  swap_bytes: ({ swap }) => swap,
  page_tables_bytes: ({ pageTables }) => pageTables,
  locked_bytes: ({ locked }) => locked ?? null,
} as const satisfies Readonly<Record<string, (memory: SummedMemory) => number | null>>;

const columns: readonly (readonly [name: string, of: (group: Group, arms: Arms) => Cell])[] = [
  ['id', ({ id }) => id],
  ['round', ({ round }) => round],
  ['block', ({ block }) => block],
  ['position', ({ position }) => position],
  ['attempt', ({ attempt }) => attempt],
  ['pass', ({ pass }) => pass],
  ['started_at', ({ startedAt }) => startedAt],
  ['model', ({ arm }) => arm.model],
  ['setting', ({ arm }, arms) => arms[arm.id]?.setting ?? arm.model],
  ['loader', ({ arm }) => arm.loader],
  ['arm_label', ({ arm }, arms) => arms[arm.id]?.label ?? null],
  ['arm_id', ({ arm }) => arm.id],
  ['work', ({ arm }, arms) => arms[arm.id]?.work ?? null],
  ['state', ({ state }) => state],
  ['memory_state', ({ memoryState }) => memoryState],
  ['load', ({ load }) => load],
  ['processes', ({ processes }) => processes],
  ['outcome', ({ outcome }) => outcome],
  ['reason_code', ({ reason }) => reason?.code ?? null],
  ['reason_message', ({ reason }) => reason?.message ?? null],
  ['slowest_ttft_ns', ({ ttftNs }) => ttftNs],
  ['slowest_complete_ns', ({ completeNs }) => completeNs],
  ['start_spread_ns', ({ startSpreadNs }) => startSpreadNs],
  ['prefill_tokens_per_second', ({ tokensPerSecond }) => tokensPerSecond?.prefill ?? null],
  ['decode_tokens_per_second', ({ tokensPerSecond }) => tokensPerSecond?.decode ?? null],
  ['slowest_decode_tokens_per_second', ({ tokensPerSecond }) => tokensPerSecond?.slowestDecode ?? null],
  ...(['baseline', 'firstToken'] as const).flatMap((moment) =>
    Object.entries(sums).map(
      ([name, of]) =>
        [
          `memory_${moment === 'baseline' ? 'baseline' : 'first_token'}_${name}`,
          ({ memory }: Group): Cell => (memory === null ? null : of(memory[moment])),
        ] as const,
    ),
  ),
  ['peak_unreclaimable_bytes', ({ memory }) => memory?.peakUnreclaimable ?? null],
  ['kv_cache_bytes', ({ memory }) => memory?.kvCacheBytes ?? null],
  ['scratch_bytes', ({ memory }) => memory?.scratchBytes ?? null],
  ['cached_bytes', ({ memory }) => memory?.cachedBytes ?? null],
  ['shared_bytes', ({ memory }) => memory?.sharedBytes ?? null],
];

/** Columns of inference, which have nothing in them where weights were touched instead. */
const OF_INFERENCE = /_tokens_per_second$|^kv_cache|^scratch/;

export function groupsCsv(groups: readonly Group[], arms: Arms): string {
  const touched = Object.values(arms).some(({ work }) => work === 'touch');
  const shown = columns.filter(([name]) => !touched || !OF_INFERENCE.test(name));
  // Times are then to another moment, and columns are called by it.
  const nameOf = (name: string): string =>
    touched ? name.replace('_ttft_', '_last_needed_byte_').replace('first_token', 'needed_bytes') : name;
  const rows: Cell[][] = [
    shown.map(([name]) => nameOf(name)),
    ...groups.map((group) => shown.map(([, of]) => of(group, arms))),
  ];
  return csvText(rows);
}
