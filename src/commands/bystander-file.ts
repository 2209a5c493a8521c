/** The file that a bystander of the claims has cached. */
import { open } from 'node:fs/promises';

const CHUNK = 2 ** 20;

/** Its content does not matter, as long as it lies on the disk. Throws what the signal was aborted with. */
export async function writeBystander(path: string, bytes: number, signal: AbortSignal): Promise<void> {
  const file = await open(path, 'w', 0o600);
  const chunk = Buffer.alloc(CHUNK, 1);
  try {
    for (let left = bytes; left > 0;) {
      signal.throwIfAborted();
      const { bytesWritten } = await file.write(chunk, 0, Math.min(CHUNK, left));
      left -= bytesWritten;
    }
  } finally {
    await file.close();
  }
}
