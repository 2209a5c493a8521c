/**
 * A process of its own that loads a model, loses the file's end at once and then computes with what it has. A mapping of a
 * file that is cut ends a process (SIGBUS, mmap(2)), and a loader that still reads meets the new end.
 *
 * Arguments: a loader's name, the model, the bytes to keep of it (all for none lost). Prints one line of JSON.
 */
import { truncateSync } from 'node:fs';
import { findLoader } from '../../src/catalog.js';
import { reasonOf } from '../../src/failure.js';
import { logitsOfSession, openWith } from './loading.js';

const [name = '', path = '', keep = 'all'] = process.argv.slice(2);

async function outcome(): Promise<{ readonly logits: string } | { readonly code: string }> {
  const loader = await findLoader(name);
  try {
    const session = openWith(loader, path);
    if (keep !== 'all') truncateSync(path, Number(keep));
    return { logits: logitsOfSession(session).toString('base64') };
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === null) throw error;
    return { code: reason.code };
  }
}

process.stdout.write(JSON.stringify(await outcome()));
