/**
 * One run at a time on a machine: evicting a file is global, and a neighbour's load would be measured as ours. The lock is
 * a Unix socket in Linux's abstract namespace (unix(7)): no file, no stale lock, released when the process dies. It is
 * shared by everything in one network namespace.
 */
import { createConnection, createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const NAME = '\0weighbridge-run';

/** Another run holds the machine. */
export class Locked extends Error {
  override readonly name = 'Locked';
}

export interface MachineLock {
  release(): void;
}

/** Takes the lock, waiting up to `waitSeconds`; throws Locked naming the holder's process, an AbortError if interrupted. */
export async function lockMachine(
  waitSeconds: number,
  signal: AbortSignal,
  onWait: (holder: string) => void,
): Promise<MachineLock> {
  const until = Date.now() + waitSeconds * 1000;
  let told = false;
  for (;;) {
    const server = await listen();
    if (server !== null) return { release: () => server.close() };
    const holder = await askHolder();
    if (Date.now() >= until) {
      throw new Locked(
        `another run is measuring on this machine (${holder}); wait for it, or give --lock-wait SECONDS`,
      );
    }
    if (!told) onWait(holder);
    told = true;
    await delay(200, undefined, { signal });
  }
}

function listen(): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end(`process ${process.pid}`);
    });
    server.unref();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(null) : reject(error),
    );
    server.listen(NAME, () => resolve(server));
  });
}

function askHolder(): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = createConnection(NAME);
    const done = (): void => {
      socket.destroy();
      resolve(text === '' ? 'its process did not answer' : text);
    };
    socket.setTimeout(1000, done);
    socket.on('data', (bytes) => (text += bytes.toString()));
    socket.on('error', done);
    socket.on('end', done);
  });
}
