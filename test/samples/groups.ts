/** Real memory control groups of a test's own, and programs that take memory in them. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { limitSupport, type LimitSupport } from '../../src/samples/cgroup-place.js';
import type { Launched, Launcher } from '../../src/samples/launch.js';
import { openLimit, type LimitRequest, type MemoryLimit } from '../../src/samples/memory-limit.js';

export const MIB = 2 ** 20;

/** Where groups are made in folders that a test can look at. Null, and skipped aloud, where there is no such place. */
export function placeFor(t: ExecutionContext): Extract<LimitSupport, { readonly parent: string }> | null {
  const support = limitSupport();
  if (support.kind === 'v1' || support.kind === 'v2') return support;
  t.log(`skipped: ${support.reason?.message ?? 'systemd makes the groups here, in scopes of its own'}`);
  t.pass();
  return null;
}

/** A limit that is closed when the test ends; what stays of it fails the test. Null where there are none: skipped aloud. */
export async function limitFor(
  t: ExecutionContext,
  request: LimitRequest,
  support?: LimitSupport,
): Promise<MemoryLimit | null> {
  const { reason } = limitSupport();
  if (reason !== null) {
    t.log(`skipped: ${reason.message}`);
    t.pass();
    return null;
  }
  const limit = await openLimit(request, support);
  if ('outcome' in limit) throw new Error(limit.reason.message);
  t.teardown(async () => {
    if (existsSync(limit.path)) await limit.close();
  });
  return limit;
}

/**
 * A Node that runs a few statements. `say(TEXT)` speaks on descriptor 3, `take(BYTES)` takes and touches memory, `waited`
 * resolves when descriptor 4 is closed.
 */
export function node(launcher: Launcher, statements: string): Launched {
  const text = `
    import { writeSync, readFileSync } from 'node:fs';
    import { Socket } from 'node:net';
    const say = (text) => writeSync(3, text);
    const taken = [];
    const take = (bytes) => { for (let left = bytes; left > 0; left -= 1048576) taken.push(Buffer.alloc(1048576, 1)); };
    const waited = () => new Promise((resolve) => new Socket({ fd: 4 }).on('close', resolve).resume());
    ${statements}`;
  const launched = launcher.launch(process.execPath, ['--input-type=module', '-e', text]);
  launched.release.on('error', () => undefined);
  return launched;
}

/** What it says until it is silent for ever, or has said as much as asked for. */
export async function said(launched: Launched, least = Infinity): Promise<string> {
  let text = '';
  for await (const chunk of launched.answer.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.length >= least) break;
  }
  return text;
}

/** Groups that a run of this process number made and that are there now. */
export function groupsOfRun(pid: number): readonly string[] {
  const support = limitSupport();
  if (support.kind !== 'v1' && support.kind !== 'v2') return [];
  const { parent } = support;
  return readdirSync(parent)
    .filter((name) => name.startsWith(`weighbridge-${pid}-`))
    .map((name) => join(parent, name));
}

/** Whether it runs: a zombie, which nobody waited for yet, does not. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
