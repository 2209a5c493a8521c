/** Files of a user's own that are code: imported here, at the edge. */
import { extname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { UsageError } from './failure.js';

/**
 * What a file exports. Node 20 runs no TypeScript, and takes a .js for CommonJS unless a package.json says otherwise: jiti
 * reads both. In the file the package's own name means `self`, a module beside this one, wherever the file lies. What the
 * file prints goes to standard error, since standard output belongs to the result. Throws UsageError.
 */
export async function importFile(
  path: string,
  self: './index.js' | './loader.js',
): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await withoutOutput(async () => {
      if (extname(path) === '.mjs') {
        return (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>;
      }
      const { createJiti } = await import('jiti');
      const alias = { weighbridge: fileURLToPath(new URL(self, import.meta.url)) };
      const jiti = createJiti(import.meta.url, { alias, fsCache: false, interopDefault: false });
      return await jiti.import<Readonly<Record<string, unknown>>>(path);
    });
  } catch (error) {
    const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
    throw new UsageError(`${path}: it cannot be imported: ${line}`);
  }
}

async function withoutOutput<T>(work: () => Promise<T>): Promise<T> {
  const { stdout, stderr } = process;
  const write = stdout.write.bind(stdout);
  stdout.write = stderr.write.bind(stderr);
  try {
    return await work();
  } finally {
    stdout.write = write;
  }
}
