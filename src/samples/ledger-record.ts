/** A line of a ledger that anybody may have written: checked here, and believed afterwards. */
import { UsageError } from '../failure.js';
import * as checks from '../schema/compiled.js';
import { complaintOf } from '../schema/complaint.js';
import { SCHEMA_VERSION, type LedgerRecord } from './record.js';

const known: Readonly<Record<LedgerRecord['kind'], checks.Check>> = {
  run: checks.run,
  sample: checks.sample,
  group: checks.group,
  wait: checks.wait,
  resume: checks.resume,
  end: checks.end,
};

const isKind = (kind: unknown): kind is LedgerRecord['kind'] => typeof kind === 'string' && Object.hasOwn(known, kind);

/** Throws UsageError with line and field. Lines are counted from 1, and the first is the header. */
export function recordOf(text: string, path: string, line: number): LedgerRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(`${path}: line ${line} is not JSON; ${line === 1 ? 'this is no ledger' : 'it was damaged'}`);
  }
  const { kind, schema } = Object(value) as { readonly kind?: unknown; readonly schema?: unknown };
  if (line === 1 && kind !== 'run') throw new UsageError(`${path}: line 1 is not a run header; this is no ledger`);
  if (line === 1 && schema !== SCHEMA_VERSION) {
    throw new UsageError(
      `${path}: schema ${JSON.stringify(schema)} is not known; this version reads ${SCHEMA_VERSION}`,
    );
  }
  if (!isKind(kind)) throw new UsageError(`${path}: line ${line} is no record of a ledger; the ledger was damaged`);
  const wrong = complaintOf(known[kind], value);
  if (wrong !== null) throw new UsageError(`${path}: line ${line}: ${wrong}; the ledger was damaged`);
  return value as LedgerRecord;
}
