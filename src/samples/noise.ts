/** What else the machine did meanwhile, as the kernel counts it. Null where it does not. */
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';

export interface MachineCounters {
  readonly stealNs: number | null;
  readonly pressureNs: { readonly cpu: number | null; readonly io: number | null; readonly memory: number | null };
}

/** USER_HZ is 100 on every Linux architecture that Node runs on. */
const NS_PER_TICK = 1e7;

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** Stalled time of "some" tasks since boot, /proc/pressure (Documentation/accounting/psi.rst); null without PSI. */
function pressure(resource: string): number | null {
  const total = /^some .*total=(\d+)/m.exec(readText(`/proc/pressure/${resource}`) ?? '')?.[1];
  return total === undefined ? null : Number(total) * 1000;
}

export function machineCounters(): MachineCounters {
  const steal = /^cpu +(?:\d+ +){7}(\d+)/m.exec(readText('/proc/stat') ?? '')?.[1];
  return {
    stealNs: steal === undefined ? null : Number(steal) * NS_PER_TICK,
    pressureNs: { cpu: pressure('cpu'), io: pressure('io'), memory: pressure('memory') },
  };
}

const difference = (after: number | null, before: number | null): number | null =>
  after === null || before === null ? null : after - before;

export function since(before: MachineCounters): MachineCounters & { readonly loadAverage: number } {
  const after = machineCounters();
  return {
    stealNs: difference(after.stealNs, before.stealNs),
    pressureNs: {
      cpu: difference(after.pressureNs.cpu, before.pressureNs.cpu),
      io: difference(after.pressureNs.io, before.pressureNs.io),
      memory: difference(after.pressureNs.memory, before.pressureNs.memory),
    },
    loadAverage: loadavg()[0] ?? 0,
  };
}
