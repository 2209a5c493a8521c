/** What a run says on standard error while it works: one live line on a terminal, plain lines elsewhere. */
import { printable } from './failure.js';
import type { Listener } from './pipeline.js';
import type { Progress } from './samples/drive.js';
import { CLEARED, live, tell, type TextStream } from './wrap.js';

/** `label` turns an arm's id into what people call it. `finish` leaves the cursor on a fresh line. */
export function progressLines(stream: TextStream, label: (armId: string) => string): Listener & { finish(): void } {
  const isLive = stream.isTTY === true;
  let lastBlock = -1;
  let open = false;
  const show = (text: string): void => {
    const line = printable(text);
    if (isLive) {
      live(stream, line);
      open = true;
    } else {
      stream.write(`${line}\n`);
    }
  };
  /** What stays on the screen. */
  const say = (text: string): void => {
    if (open) stream.write(CLEARED);
    open = false;
    tell(stream, printable(text));
  };
  return {
    note: say,
    step: (message) => {
      show(`preparing: ${message}`);
    },
    wait: (message) => {
      show(message);
    },
    start: (cell, progress) => {
      if (isLive) {
        show(`${position(progress)}${remaining(progress)}  ${label(cell.arm)} ${stateOf(cell)}`);
      } else if (progress.blocksDone !== lastBlock) {
        lastBlock = progress.blocksDone;
        show(`${position(progress)}, ${stateOf(cell)}${remaining(progress)}`);
      }
    },
    sample: (sample) => {
      if (sample.outcome === 'ok' || sample.outcome === 'unsupported') return;
      const why = sample.reason?.message ?? 'no reason is known';
      const text = `${label(sample.arm.id)} ${stateOf(sample)}: ${sample.outcome}: ${why}`;
      say(text);
    },
    finish: () => {
      if (open) stream.write(CLEARED);
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
