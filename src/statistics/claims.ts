/** The six claims of the story of 2023, judged from the ledgers of their parts. Pure. */
import { viewOf } from './claims-cells.js';
import { harmClaim, memoryClaim, sharingClaim } from './claims-memory.js';
import { firstLoadClaim, loadClaim, shellClaim } from './claims-time.js';
import type { ClaimParts, ClaimResult } from './claims-types.js';

/** `guest`: whether the machine is a virtual one. */
export function judgeClaims(parts: ClaimParts, guest: boolean): readonly ClaimResult[] {
  const [warm, cold] = [viewOf(parts, 'warm'), viewOf(parts, 'cold')];
  return [
    loadClaim(warm, viewOf(parts, 'returned')),
    memoryClaim(viewOf(parts, 'memory')),
    sharingClaim(viewOf(parts, 'processes'), viewOf(parts, 'copies')),
    harmClaim(viewOf(parts, 'harm'), warm),
    shellClaim(viewOf(parts, 'shell')),
    firstLoadClaim(cold, warm, guest),
  ];
}
