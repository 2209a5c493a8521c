/** Memory limits for processes of a sample: a fresh control group each, owned by a supervisor. */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { sizes } from '../size.js';
import { limitAbove, nextGroupName, removeGroup, sweepGroups } from './cgroup.js';
import { readCounters, type GroupCounters, type GroupVersion } from './cgroup-counters.js';
import { lastLineOf } from './command-output.js';
import { limitSupport, type LimitSupport } from './cgroup-place.js';
import { launchEnvironment, type LaunchEnd, type Launched, type Launcher } from './launch.js';
import { refusal, type Refusal } from './states.js';
import {
  laneDescriptors,
  type SupervisorNews,
  type SupervisorOrder,
  type SupervisorTask,
} from './supervisor-protocol.js';

const supervisorPath = fileURLToPath(new URL('./supervisor.js', import.meta.url));

export interface LimitRequest {
  /** Null for no limit: a group that only counts. */
  readonly bytes: number | null;
  /** Most processes that will be started in it. */
  readonly processes: number;
  /** Groups in the limited one, which share its limit and are counted apart. */
  readonly below?: readonly string[];
}

export interface MemoryLimit {
  readonly version: GroupVersion;
  readonly path: string;
  /** Of processes that are in the group, or in one below it, before they allocate. */
  launcher(below?: string): Launcher;
  /** The group's, or those of one below it; to be read before it is closed. */
  counters(below?: string): GroupCounters;
  /** Kills what is left in the group and removes it. Resolves to null, or to why it is still there. */
  close(): Promise<string | null>;
}

/** What a run that was killed left behind. Returns the names of the groups that were removed. */
export async function sweepLimits(support: LimitSupport = limitSupport()): Promise<readonly string[]> {
  if (support.kind !== 'v1' && support.kind !== 'v2') return [];
  return sweepGroups(support.kind === 'v1' ? 1 : 2, support.parent);
}

export async function openLimit(
  request: LimitRequest,
  support: LimitSupport = limitSupport(),
): Promise<MemoryLimit | Refusal> {
  if (support.kind === 'none') return { outcome: 'unsupported', reason: support.reason };
  const version = support.kind === 'v1' ? 1 : 2;
  const { bytes, processes, below = [] } = request;
  const name = nextGroupName();
  const parent = support.kind === 'systemd' ? null : support.parent;
  const supervisor = startSupervisor({ parent, version, name, bytes, below, lanes: processes }, support);
  const opened = await supervisor.opened;
  if (opened.kind === 'refused') return { outcome: 'unsupported', reason: opened.reason };
  const limit = new OpenLimit(version, opened.path, supervisor);
  const above = bytes === null ? null : limitAbove(version, opened.path);
  if (above === null || bytes === null || above >= bytes) return limit;
  await limit.close();
  const [limited, allowed] = sizes(bytes, above);
  return refusal(
    'unsupported',
    'limit-above-available',
    'memory limit',
    `a limit of ${limited} cannot be what limits: a group above allows ${allowed}`,
    'give a smaller limit, or run it outside of that group',
    opened.path,
  );
}

class OpenLimit implements MemoryLimit {
  #lanes = 0;

  constructor(
    readonly version: GroupVersion,
    readonly path: string,
    private readonly supervisor: Supervisor,
  ) {}

  launcher(below?: string): Launcher {
    return {
      parent: this.supervisor.pid,
      launch: (command, args) => {
        const lane = this.#lanes++;
        return this.supervisor.launch({ kind: 'start', lane, group: below ?? null, command, args });
      },
    };
  }

  counters(below?: string): GroupCounters {
    return readCounters(this.version, below === undefined ? this.path : `${this.path}/${below}`);
  }

  async close(): Promise<string | null> {
    const held = await this.supervisor.close();
    // One that was killed could not remove it. Its processes asked the kernel to go with it.
    return held === 'died' ? removeGroup(this.version, this.path) : held.held;
  }
}

type Opened = Extract<SupervisorNews, { readonly kind: 'opened' | 'refused' }>;
type Closed = Extract<SupervisorNews, { readonly kind: 'closed' }>;

interface Supervisor {
  readonly pid: number;
  readonly opened: Promise<Opened>;
  launch(order: SupervisorOrder & { readonly kind: 'start' }): Launched;
  close(): Promise<Closed | 'died'>;
}

function startSupervisor(task: SupervisorTask, support: LimitSupport): Supervisor {
  const lanes = Array.from({ length: 3 * task.lanes }, () => 'pipe' as const);
  const own = [process.execPath, supervisorPath, JSON.stringify(task)];
  const [command = '', ...args] = support.kind === 'systemd' ? [...scopeOf(task.name, support.user), ...own] : own;
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe', ...lanes],
    detached: true,
    env: launchEnvironment(),
  });
  return new SupervisorProcess(child, task.lanes);
}

/**
 * systemd-run(1) becomes the command, inside a scope that is handed to it; systemd removes the scope when nothing is left
 * in it.
 */
export function scopeOf(name: string, user: boolean): readonly string[] {
  const manager = user ? ['--user'] : [];
  return ['systemd-run', ...manager, '--scope', '--quiet', '--collect', '-p', 'Delegate=yes', `--unit=${name}`, '--'];
}

class SupervisorProcess implements Supervisor {
  readonly pid: number;
  readonly opened: Promise<Opened>;
  readonly #child: ChildProcess;
  readonly #pids = new Map<number, number>();
  readonly #ends = new Map<number, (end: LaunchEnd) => void>();
  readonly #died: Promise<void>;
  #closed: Closed | null = null;
  /** It may die while states are prepared, before anything was launched: nobody would tell how that ended. */
  #isDead = false;
  #stderr = '';

  constructor(child: ChildProcess, lanes: number) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    // It may die with its input open; how it went is told by `close`.
    child.stdin?.on('error', () => undefined);
    child.stderr?.on('data', (chunk: Buffer) => (this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_KEPT)));
    for (let lane = 0; lane < lanes; lane++) {
      for (const pipe of this.#lane(lane)) pipe.on('error', () => undefined);
    }
    this.#died = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#stderr ||= error.message;
        resolve();
      });
      child.once('exit', () => resolve());
    });
    this.opened = new Promise((resolve) => {
      if (child.stdout !== null) {
        createInterface({ input: child.stdout }).on('line', (line) =>
          this.#hear(JSON.parse(line) as SupervisorNews, resolve),
        );
      }
      void this.#died.then(() => resolve({ kind: 'refused', reason: this.#failure() }));
    });
    void this.#died.then(() => {
      this.#isDead = true;
      this.#endAll();
    });
  }

  launch(order: SupervisorOrder & { readonly kind: 'start' }): Launched {
    const { lane } = order;
    const [stderr, answer, release] = this.#lane(lane);
    const pipes = [stderr, answer];
    const closed = pipes.map((pipe) => new Promise<void>((resolve) => whenClosed(pipe, resolve)));
    const ended = new Promise<LaunchEnd>((resolve) => {
      this.#ends.set(lane, (end) => void Promise.all(closed).then(() => resolve(end)));
      if (this.#isDead) this.#endAll();
      else this.#order(order);
    });
    const kill = (): void => {
      if (this.#ends.has(lane)) this.#order({ kind: 'kill', lane });
      else for (const pipe of pipes) pipe.destroy();
    };
    const pidOf = (): number | undefined => this.#pids.get(lane);
    return {
      get pid() {
        return pidOf();
      },
      ...{ stderr, answer, release, ended, kill },
    };
  }

  async close(): Promise<Closed | 'died'> {
    this.#child.stdin?.end();
    await this.#died;
    return this.#closed ?? 'died';
  }

  #lane(lane: number): readonly [stderr: Readable, answer: Readable, release: Writable] {
    const [stderr, answer, release] = laneDescriptors(lane).map((descriptor) => this.#child.stdio[descriptor]);
    return [stderr as Readable, answer as Readable, release as Writable];
  }

  #order(order: SupervisorOrder): void {
    if (this.#child.stdin?.writable === true) this.#child.stdin.write(`${JSON.stringify(order)}\n`);
  }

  #hear(news: SupervisorNews, opened: (news: Opened) => void): void {
    if (news.kind === 'opened' || news.kind === 'refused') opened(news);
    else if (news.kind === 'closed') this.#closed = news;
    else if (news.kind === 'started') this.#pids.set(news.lane, news.pid);
    else {
      const { lane, exitCode, signal, problem } = news;
      this.#ends.get(lane)?.({ exitCode, signal, problem });
      this.#ends.delete(lane);
    }
  }

  /** What it started dies with it. */
  #endAll(): void {
    for (const end of this.#ends.values()) end({ exitCode: null, signal: 'SIGKILL', problem: 'its supervisor died' });
    this.#ends.clear();
  }

  #failure(): Refusal['reason'] {
    const last = lastLineOf(this.#stderr);
    const told = `the process that owns the limit ended${last === '' ? '' : `: ${last}`}`;
    return refusal('unsupported', 'no-memory-groups', 'memory limit', told).reason;
  }
}

/** A pipe that is closed already does not say so again. */
function whenClosed(pipe: Readable, then: () => void): void {
  if (pipe.closed) then();
  else pipe.once('close', then);
}

const STDERR_KEPT = 4096;
