/** Processes forked by any thread of a process, as the addon's worker threads do. */
import { readFileSync, readdirSync } from 'node:fs';

/** Children whichever thread of the process forked them (proc_pid_task(5) lists them by thread). */
export function childrenOfAnyThread(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}
