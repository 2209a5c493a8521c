/**
 * Compiles TypeScript into dist/ and removes what a deleted or renamed source left there, so that no stale test runs and
 * no stale file is packed.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');

function removeOrphans() {
  if (!existsSync(dist)) return;
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    const output = /^(.*?)(\.d\.ts|\.js)$/.exec(path.slice(dist.length + 1));
    if (entry.isFile() && output !== null && !existsSync(join(root, `${output[1]}.ts`))) rmSync(path);
  }
}

removeOrphans();
const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [compiler, '-p', root], { stdio: 'inherit' });
const command = join(dist, 'src', 'cli.js');
if (existsSync(command)) chmodSync(command, 0o755);
process.exitCode = status ?? 1;
