/** Every measure of the claims as CSV: a line each, in nanoseconds, bytes, ratios and shares. */
import type { ClaimResult } from '../src/statistics/claims-types.js';
import { csvText, type Cell } from './csv-text.js';

const HEAD = [
  ...['claim', 'id', 'claim_verdict', 'measure', 'place', 'unit', 'median', 'low', 'high', 'confidence', 'n'],
  ...['claimed_bound', 'claimed_figure', 'verdict', 'decides', 'why'],
] as const;

export function claimsCsv(claims: readonly ClaimResult[]): string {
  const rows = claims.flatMap(({ number, id, verdict: whole, measures }) =>
    measures.map(({ what, place, unit, bounds, claimed, verdict, decides, why }): readonly Cell[] => [
      ...[number, id, whole, what, place, unit],
      ...[bounds?.median ?? null, bounds?.low ?? null, bounds?.high ?? null, bounds?.confidence ?? null],
      ...[bounds?.n ?? null, claimed?.bound ?? null, claimed?.figure ?? null, verdict, decides ? 'yes' : 'no', why],
    ]),
  );
  return csvText([HEAD, ...rows]);
}
