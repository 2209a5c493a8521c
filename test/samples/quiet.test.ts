import { spawn, type ChildProcess } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';
import type { MachineActivity, WaitRecord } from '../../src/samples/record.js';
import { disturbancesOf, quietBefore, waitUntilQuiet } from '../../src/samples/quiet.js';
import { machineCounters } from '../../src/samples/noise.js';
import { arm, ledger } from '../statistics/ledger-builder.js';

const MIB = 2 ** 20;

type Seen = Parameters<typeof disturbancesOf>[0];

/** Half a second of a machine of two CPUs on which nothing happens. */
function seen(activity: Partial<MachineActivity> = {}, overrides: Partial<Omit<Seen, 'machine'>> = {}): Seen {
  const machine = {
    ...{ lastedNs: 5e8, cpus: 2, busyNs: 1e7, otherCpuNs: 1e7, ownReadBytes: 0, otherReadBytes: 0 },
    ...{ writtenBytes: 0, throttleEvents: null, clock: null },
    ...activity,
  };
  return { stealNs: 0, pressureNs: { cpu: 1e6, io: 2e6, memory: 0 }, ...overrides, machine };
}

const cases: readonly (readonly [string, Seen, readonly string[]])[] = [
  ['an idle machine', seen(), []],
  ['a program that uses a CPU', seen({ otherCpuNs: 5e8 }), ['other-cpu 1']],
  ['a program that uses a CPU of a hundred', seen({ otherCpuNs: 5e8, cpus: 100 }), []],
  ['a host that takes CPU time', seen({ busyNs: 1e8 }, { stealNs: 3e8 }), ['steal 0.75']],
  ['a tick of steal', seen({ busyNs: 1e7 }, { stealNs: 1e7 }), []],
  ['a program that reads the disk', seen({ otherReadBytes: 50 * MIB }), [`device-traffic ${100 * MIB}`]],
  ['a program that writes it', seen({ writtenBytes: 50 * MIB }), [`device-traffic ${100 * MIB}`]],
  [
    'stalls',
    seen({}, { pressureNs: { cpu: 1e8, io: 2e8, memory: 3e8 } }),
    ['cpu-stall 0.2', 'io-stall 0.4', 'memory-stall 0.6'],
  ],
  [
    'a machine that tells nothing',
    seen(
      { busyNs: null, otherCpuNs: null, otherReadBytes: null, writtenBytes: null, cpus: null },
      { stealNs: null, pressureNs: { cpu: null, io: null, memory: null } },
    ),
    [],
  ],
];

for (const [name, of, expected] of cases) {
  test(`${name}: ${expected.length === 0 ? 'quiet' : 'not quiet'}`, (t) => {
    t.deepEqual(
      disturbancesOf(of).map(({ kind, amount }) => `${kind} ${amount}`),
      expected,
    );
  });
}

function spinning(t: ExecutionContext): ChildProcess {
  const child = spawn(process.execPath, ['-e', 'for (;;);']);
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

const never = new AbortController().signal;

test.serial('a machine that does not become quiet is waited for no longer than allowed, and told of', async (t) => {
  if (machineCounters({ paths: [], waiting: [] }).busyNs === null) {
    t.log('skipped: /proc/stat cannot be read here');
    t.pass();
    return;
  }
  spinning(t);
  const told: string[] = [];
  const { plan } = ledger({ arms: [arm('read')], samples: [] }).run;
  const context = { plan: { ...plan, waitQuietNs: 1.2e9 }, models: {}, signal: never };
  const block = { round: 4, index: 2, pass: 'time', reference: '', firstCommand: null, cells: [] } as const;
  // The first moments of a process may lie in a quiet window.
  let waited: WaitRecord | null;
  do {
    waited = await quietBefore(context, block, 1e9, (why) => told.push(why));
  } while (waited?.quiet === true);
  t.like(waited, { kind: 'wait', pass: 'time', round: 4, block: 2, limitNs: 1.2e9, quiet: false });
  t.true(
    waited?.disturbances.some(({ kind }) => kind === 'other-cpu'),
    JSON.stringify(waited),
  );
  t.regex(told.join('\n'), /^waiting at most 2 s until the machine is quiet: .*other programs use \d+\.\d CPUs/m);
});

test('where no wait is asked for, or no time is left, nothing is waited', async (t) => {
  const { plan } = ledger({ arms: [arm('read')], samples: [] }).run;
  const block = { round: 1, index: 0, pass: 'time', reference: '', firstCommand: null, cells: [] } as const;
  const of = (waitQuietNs: number | null) => ({ plan: { ...plan, waitQuietNs }, models: {}, signal: never });
  t.is(await quietBefore({ plan, models: {}, signal: never }, block, 1e9, t.fail), null);
  t.is(await quietBefore(of(null), block, 1e9, t.fail), null);
  t.is(await quietBefore(of(6e10), block, 0, t.fail), null);
});

test.serial('an interrupted run does not go on waiting', async (t) => {
  const controller = new AbortController();
  const waiting = waitUntilQuiet({ paths: [], limitMs: 1e9, signal: controller.signal, onWait: () => undefined });
  controller.abort();
  await t.throwsAsync(waiting, { name: 'AbortError' });
});
