/** Whether there is memory for what a cell takes: where it is short, the kernel would choose who dies. */
import { copiesIntoFreeMemory } from '../loader.js';
import { availableMemory } from '../machine.js';
import { usesWeights } from '../plan/arms.js';
import { sizes } from '../size.js';
import type { Arm, ModelRecord } from './record.js';
import { refusal, type Refusal } from './states.js';
import { sessionBytes } from './task.js';

/** Null where it fits, or where nobody can tell. */
export function shortOfMemory(arm: Arm, model: ModelRecord): Refusal | null {
  const available = availableMemory();
  if (available === null) return null;
  if (arm.kind === 'ceiling') return homeless(arm, model, available);
  return arm.processes > 1 && arm.kind !== 'command' ? crowded(arm, model, available) : null;
}

/** Home takes as much memory as the model has bytes. */
function homeless(arm: Arm, model: ModelRecord, available: number): Refusal | null {
  const wanted = model.bytes + HOME_MARGIN;
  if (arm.loader !== 'home' || wanted <= available) return null;
  const [needed, free] = sizes(wanted, available);
  return refusal(
    'unsupported',
    'memory-short',
    'home ceiling',
    `the home ceiling would fill ${needed} of memory, and ${free} are available`,
    'free memory, or weigh a smaller model',
  );
}

/** Of the process that fills it, and a little for others. */
const HOME_MARGIN = 256 * 2 ** 20;

/** Of several processes: what each has for itself, and once what they share. */
function crowded(arm: Arm, model: ModelRecord, available: number): Refusal | null {
  const { processes } = arm;
  const copies = usesWeights(arm) && copiesIntoFreeMemory(arm);
  const each = RUNTIME + sessionBytes(arm, model);
  const weights = usesWeights(arm) ? (copies ? processes : 1) * model.tensorBytes : 0;
  const needed = processes * each + weights;
  const room = Math.max(0, available - Math.max(RESERVE.bytes, Math.round(RESERVE.share * available)));
  if (needed <= room) return null;
  const [wanted, free] = sizes(needed, room);
  return refusal(
    'unsupported',
    'memory-short',
    'plan',
    `needs ${wanted} of memory for ${processes} processes${copies ? ' with a copy of the weights each' : ''}, ${free} available`,
    'weigh fewer --processes, a shorter --context or a smaller model',
  );
}

/** What the runtime of a process takes for itself. */
const RUNTIME = 64 * 2 ** 20;
/** Kept free for everything else on the machine. */
const RESERVE = { share: 0.05, bytes: 2 ** 30 } as const;
