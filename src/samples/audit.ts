/**
 * Requested against effective: what a loader's options asked for, held against what the kernel shows. A loader reads back
 * what it can itself and warns; this is what only the parent sees.
 */
import { bypassesPageCache } from '../loader.js';
import type { NativeSample } from '../native.js';
import type { Arm, EffectiveValue, Measurement, Memory, ModelRecord, Phases, State } from './record.js';

/**
 * The parent's keys of `effective`, each absent where it cannot be read. A key that the loader reports itself, of its own
 * memory alone, stands before the process's.
 *
 * - `issuedBytes`: read from storage by the process, from its start to complete
 * - `residencyGrowthBytes`: of the model in the page cache while the loader worked; memory pass
 * - `residentAfterBytes`: of the model in the page cache after the sample
 * - `hugeFileBytes`, `hugeAnonymousBytes`, `hugetlbBytes`, `lockedBytes`, `pageTableBytes`: growth of the process from
 *   before its start until every tensor byte was used
 * - `leftCacheCold`: of loaders that bypass the page cache, whether nothing but the header came into it
 */
export function effectiveOf(
  arm: Arm,
  model: ModelRecord | undefined,
  sample: NativeSample,
  after: number | null,
): Measurement['effective'] {
  const { residency, memory } = sample;
  const grown = (field: keyof Memory): number | null => difference(memory.end[field], memory.baseline[field]);
  const cold = after !== null && bypassesPageCache(arm.mechanism, arm.options) ? after <= headerAllowance(model) : null;
  return {
    ...present({
      issuedBytes: sample.issuedBytes,
      residencyGrowthBytes: difference(residency.loaded, residency.opened),
      residentAfterBytes: after,
      hugeFileBytes: grown('hugeFile'),
      hugeAnonymousBytes: grown('hugeAnonymous'),
      hugetlbBytes: grown('hugetlb'),
      lockedBytes: grown('locked'),
      pageTableBytes: grown('pageTables'),
      leftCacheCold: cold,
    }),
    ...sample.effective,
  };
}

/** Warnings for what was asked for and not obtained, beyond those of the loader itself. `own` is what it reported. */
export function auditOf(
  arm: Arm,
  model: ModelRecord | undefined,
  state: State,
  measured: Measurement,
  own: Readonly<Record<string, EffectiveValue>>,
): string[] {
  if (arm.kind === 'ceiling') return auditCeiling(arm, measured);
  // What a program does is not ours to promise.
  if (arm.kind === 'command') return [];
  return [
    ...auditPageCache(arm, model, state, measured),
    ...auditMapping(arm, model, measured, own),
    ...auditPages(arm, model, measured, own),
  ];
}

/** Bytes issued to storage in these phases; null where the kernel does not say. */
export function sumOfReads(phases: readonly Phases['open'][]): number | null {
  let sum = 0;
  for (const { readBytes } of phases) {
    if (readBytes === null) return null;
    sum += readBytes;
  }
  return sum;
}

/** Of what was asked for, this share counts as had: the rest is edges of pages, and counters that the kernel rounds. */
const ENOUGH = 0.95;
/** Of memory for which 2 MiB pages were asked for. */
const ENOUGH_HUGE = 0.9;
const HUGE_PAGE = 2 ** 21;

function auditCeiling({ loader }: Arm, { effective }: Measurement): string[] {
  if (loader === 'memory' || effective['hugePages'] !== false) return [];
  return [`the ${loader} ceiling had no 2 MiB pages for its buffers: it may read lower than the device can do`];
}

/** Loaders that should leave the model out of the page cache. */
function auditPageCache(
  arm: Arm,
  model: ModelRecord | undefined,
  state: State,
  { effective, residency }: Measurement,
): string[] {
  const { after } = residency;
  if (effective['leftCacheCold'] === false) {
    return [`${arm.loader} should bypass the page cache, but left ${after} bytes of the model in it`];
  }
  // What was in the cache before, RWF_DONTCACHE leaves there.
  if (arm.options['dontCache'] === true && state === 'cold' && after !== null && after > headerAllowance(model)) {
    return [`${arm.loader} asked for pages to be dropped behind it, but left ${after} bytes of the model in the cache`];
  }
  return [];
}

/** What should be there when load has returned; seen in the memory pass alone. */
function auditMapping(
  arm: Arm,
  model: ModelRecord | undefined,
  { memory, residency, bytesNeeded }: Measurement,
  own: Readonly<Record<string, EffectiveValue>>,
): string[] {
  const { populate, bring, pipelined } = arm.options;
  if (memory?.loaded == null || bytesNeeded === null || pipelined === true) return [];
  const wanted = ENOUGH * bytesNeeded;
  const mapped = mappedGrowth(memory.baseline, memory.loaded);
  if (populate === true && mapped !== null && mapped < wanted) {
    return [`MAP_POPULATE was asked for and only ${mapped} bytes of the model were mapped when it returned`];
  }
  if (bring === 'populate-read' && mapped !== null && mapped < wanted) {
    return [`MADV_POPULATE_READ was asked for and only ${mapped} bytes of the model were mapped when load returned`];
  }
  if (typeof bring !== 'string' || residency.loaded === null || residency.loaded >= wanted) return [];
  if (isCapped(arm, model, own)) return [];
  return [
    `${bring} was asked for and only ${residency.loaded} bytes of ${bytesNeeded} needed were in the page cache when load returned`,
  ];
}

/** Whether the loader has warned itself that the kernel takes only a part of one call. */
function isCapped(arm: Arm, model: ModelRecord | undefined, own: Readonly<Record<string, EffectiveValue>>): boolean {
  const cap = own['bringCallCapBytes'];
  const chunk = arm.options['chunkBytes'];
  const longest = typeof chunk === 'number' && chunk > 0 ? chunk : (model?.bytes ?? 0);
  return typeof cap === 'number' && longest > cap;
}

/** Where the loader does not read its pages and locks back itself, the process's growth tells. */
function auditPages(
  arm: Arm,
  model: ModelRecord | undefined,
  { effective, bytesNeeded, untouchedBytes }: Measurement,
  own: Readonly<Record<string, EffectiveValue>>,
): string[] {
  if (bytesNeeded === null || untouchedBytes === null) return [];
  const bytes = bytesNeeded + untouchedBytes;
  // At both ends of a part there is less than a huge page.
  const whole = Math.max(0, bytes - 2 * HUGE_PAGE * (model?.parts.length ?? 1));
  const { arena, advice, lock } = arm.options;
  const warnings: string[] = [];
  const check = (had: EffectiveValue | undefined, wanted: number, what: string): void => {
    if (typeof had === 'number' && had < wanted) warnings.push(`${what}, and only ${had} of ${bytes} bytes were had`);
  };
  if (!('hugePageBytes' in own)) {
    if (arena === 'thp') check(effective['hugeAnonymousBytes'], ENOUGH_HUGE * whole, 'huge pages were asked for');
    if (arena === 'hugetlb') check(effective['hugetlbBytes'], bytes, 'reserved huge pages were asked for');
  }
  if (!('hugeFileBytes' in own) && Array.isArray(advice) && advice.includes('hugepage')) {
    check(effective['hugeFileBytes'], ENOUGH_HUGE * whole, 'huge pages were asked for');
  }
  if (!('lockedBytes' in own) && lock !== undefined) {
    check(effective['lockedBytes'], ENOUGH * bytes, 'locked memory was asked for');
  }
  return warnings;
}

/**
 * Bytes that loading mapped or copied. Counted twice by the kernel, and each can read too low: in whole pages, held back a
 * little by each CPU, and in proportion, where other processes map the file too.
 */
function mappedGrowth(before: Memory, after: Memory): number | null {
  const sum = (fields: readonly (keyof Memory)[]): number | null =>
    fields.reduce<number | null>((total, field) => {
      const grown = difference(after[field], before[field]);
      return total === null || grown === null ? null : total + grown;
    }, 0);
  const whole = sum(['file', 'shmem', 'anonymous']);
  const proportional = sum(['pssFile', 'pssShmem', 'pssAnonymous']);
  if (whole === null || proportional === null) return whole ?? proportional;
  return Math.max(whole, proportional);
}

/** Reading a header brings in its pages and a little more; anything beyond this did not come from the header. */
function headerAllowance(model: ModelRecord | undefined): number {
  return (model?.headerBytes ?? 0) + 256 * 1024 * (model?.parts.length ?? 1);
}

const difference = (after: number | null, before: number | null): number | null =>
  after === null || before === null ? null : after - before;

function present(values: Readonly<Record<string, EffectiveValue | null>>): Record<string, EffectiveValue> {
  const known: Record<string, EffectiveValue> = {};
  for (const [key, value] of Object.entries(values)) {
    if (value !== null) known[key] = value;
  }
  return known;
}
