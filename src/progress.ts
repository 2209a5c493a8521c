/** What a run says on standard error while it works: one live line on a terminal, plain lines elsewhere. */
import { printable } from './failure.js';
import type { Listener } from './pipeline.js';
import type { Progress } from './samples/drive.js';

export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** `label` turns an arm's id into what people call it. `finish` leaves the cursor on a fresh line. */
export function progressLines(stream: ProgressStream, label: (armId: string) => string): Listener & { finish(): void } {
  const live = stream.isTTY === true;
  let lastBlock = -1;
  let open = false;
  const show = (text: string): void => {
    const line = printable(text);
    if (live) {
      const width = (stream.columns ?? 80) - 1;
      stream.write(`\r\u001b[K${line.length > width ? `${line.slice(0, width - 1)}…` : line}`);
      open = true;
    } else {
      stream.write(`${line}\n`);
    }
  };
  return {
    step: (message) => {
      show(`preparing: ${message}`);
    },
    wait: (message) => {
      show(message);
    },
    start: (cell, progress) => {
      if (live) {
        show(`${position(progress)}  ${label(cell.arm)} ${stateOf(cell)}${remaining(progress)}`);
      } else if (progress.blocksDone !== lastBlock) {
        lastBlock = progress.blocksDone;
        show(`${position(progress)}, ${stateOf(cell)}${remaining(progress)}`);
      }
    },
    sample: (sample) => {
      if (sample.outcome === 'ok' || sample.outcome === 'unsupported') return;
      const why = sample.reason?.message ?? 'no reason is known';
      const text = `${label(sample.arm.id)} ${stateOf(sample)}: ${sample.outcome}: ${why}`;
      if (live) stream.write('\r\u001b[K');
      stream.write(`${printable(text)}\n`);
    },
    finish: () => {
      if (open) stream.write('\r\u001b[K');
      open = false;
    },
  };
}

function stateOf({ state, load }: { readonly state: string; readonly load: number }): string {
  return load === 1 ? state : `${state}, load ${load}`;
}

function position({ blocksDone, blocks, pass, round, rounds, atMost }: Progress): string {
  const of = atMost ? 'of at most' : 'of';
  const within = pass === 'time' ? `round ${round} ${of} ${rounds}` : `${pass} pass, round ${round} of ${rounds}`;
  return `${within}, block ${Math.min(blocksDone + 1, blocks)} ${of} ${blocks}`;
}

function remaining({ remainingMs, atMost }: Progress): string {
  if (remainingMs === null) return '';
  const seconds = Math.ceil(remainingMs / 1000);
  const about = atMost ? 'at most' : 'about';
  return seconds < 90 ? `, ${about} ${seconds} s left` : `, ${about} ${Math.ceil(seconds / 60)} min left`;
}
