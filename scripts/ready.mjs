/**
 * Brings a clone up to date before a start or a test: dependencies, native addon, compiled TypeScript; whatever is
 * missing or stale. Node built-ins only, since in a fresh clone nothing else is there.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

function packagesOf(lockFile) {
  return JSON.parse(readFileSync(join(root, lockFile), 'utf8')).packages;
}

/** Whether node_modules holds what the lock file asks for; npm's own list of what it installed is compared. */
function dependenciesInstalled() {
  if (!existsSync(join(root, 'node_modules', '.package-lock.json'))) return false;
  const installed = packagesOf('node_modules/.package-lock.json');
  return Object.entries(packagesOf('package-lock.json')).every(
    ([path, { version, optional }]) => path === '' || optional === true || installed[path]?.version === version,
  );
}

function step(program, args) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit' });
  if (error) process.stderr.write(`weighbridge: ${program}: ${error.message}\n`);
  if (status !== 0) process.exit(status ?? 1);
}

if (!dependenciesInstalled()) {
  const npm = process.env.npm_execpath;
  process.stderr.write('weighbridge: installing dependencies\n');
  if (npm === undefined) step('npm', ['ci']);
  else step(process.execPath, [npm, 'ci']);
}
step(process.execPath, [join(root, 'scripts', 'install.mjs')]);
step(process.execPath, [join(root, 'scripts', 'build.mjs')]);
