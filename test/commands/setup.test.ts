import { chmod, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { root, runNode } from '../command.js';

/**
 * A copy of what the package ships (and, for a clone, a TypeScript source) whose one native source is `source`, with a
 * PATH of its own that holds just the named tools.
 */
async function installation(
  t: ExecutionContext,
  { clone, tools, source }: { clone: boolean; tools: readonly string[]; source?: string },
): Promise<{ directory: string; env: NodeJS.ProcessEnv }> {
  const directory = await mkdtemp(join(tmpdir(), 'weighbridge-setup-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const bin = join(directory, 'bin');
  for (const folder of ['bin', 'native', 'scripts', 'src']) await mkdir(join(directory, folder));
  await cp(join(root, 'package.json'), join(directory, 'package.json'));
  await cp(join(root, 'scripts', 'install.mjs'), join(directory, 'scripts', 'install.mjs'));
  await cp(join(root, 'native', 'binding.gyp'), join(directory, 'native', 'binding.gyp'));
  for (const folder of ['src', 'loaders', 'reports']) {
    await cp(join(root, 'dist', folder), join(directory, 'dist', folder), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'));
  await writeFile(join(directory, 'native', 'addon.cc'), source ?? MINIMAL_ADDON);
  if (clone) await writeFile(join(directory, 'src', 'native.ts'), '');
  for (const tool of tools) {
    await writeFile(join(bin, tool), `#!/bin/sh\nPATH="${process.env['PATH'] ?? ''}" exec ${tool} "$@"\n`);
    await chmod(join(bin, tool), 0o755);
  }
  const foreign = new Set(['CXX', 'CC', 'MAKE', 'PYTHON', 'npm_config_python', 'NODE_GYP_FORCE_PYTHON']);
  const kept = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.has(name)));
  const env: NodeJS.ProcessEnv = { ...kept, PATH: tools.length === ALL_TOOLS.length ? process.env['PATH'] : bin };
  return { directory, env };
}

const ALL_TOOLS = ['python3', 'make', 'g++'];
const MINIMAL_ADDON = `#include <node_api.h>
NAPI_MODULE_INIT() { return exports; }
`;

test('a clone without a compiler fails to install, with one line that names the package', async (t) => {
  const { directory, env } = await installation(t, { clone: true, tools: ['python3', 'make'] });
  const { code, stderr } = await runNode([join(directory, 'scripts', 'install.mjs')], env);
  t.is(code, 1);
  t.is(stderr.trim().split('\n').length, 1, stderr);
  t.regex(stderr, /C\+\+20 compiler .*not found; install it .*apt install g\+\+; .*dnf install gcc-c\+\+/);
});

test('without Python the line names Python', async (t) => {
  const { directory, env } = await installation(t, { clone: true, tools: ['make', 'g++'] });
  const { code, stderr } = await runNode([join(directory, 'scripts', 'install.mjs')], env);
  t.is(code, 1);
  t.regex(stderr, /^weighbridge: Python 3 not found; .*apt install python3;.*\n$/);
});

test('as a dependency a missing compiler does not fail the install of the project that depends on it', async (t) => {
  const { directory, env } = await installation(t, { clone: false, tools: ['python3', 'make'] });
  const { code, stderr } = await runNode([join(directory, 'scripts', 'install.mjs')], env);
  t.is(code, 0);
  t.regex(stderr, /C\+\+20 compiler .*not found/);
  t.regex(stderr, /weighbridge setup/);
});

test('setup without a compiler fails, also in a dependency', async (t) => {
  const { directory, env } = await installation(t, { clone: false, tools: ['python3', 'make'] });
  const { code, stderr } = await runNode([join(directory, 'dist', 'src', 'cli.js'), 'setup'], env);
  t.is(code, 1);
  t.regex(stderr, /C\+\+20 compiler .*not found/);
});

test('a command that needs the addon names setup when there is none', async (t) => {
  const { directory, env } = await installation(t, { clone: false, tools: ALL_TOOLS });
  const { code, stderr } = await runNode([join(directory, 'dist', 'src', 'cli.js'), 'loaders'], env);
  t.is(code, 1);
  t.is(stderr.trim().split('\n').length, 1, stderr);
  t.regex(stderr, /weighbridge setup/);
});

test('setup builds the addon, and an up-to-date build is left as it is until a source changes', async (t) => {
  const { directory, env } = await installation(t, { clone: false, tools: ALL_TOOLS });
  const built = await runNode([join(directory, 'dist', 'src', 'cli.js'), 'setup'], env);
  t.is(built.code, 0, built.stderr);
  t.is(built.stdout.trim(), join(directory, 'native', 'build', 'Release', 'weighbridge.node'));

  const again = await runNode([join(directory, 'scripts', 'install.mjs')], env);
  t.deepEqual(again, { code: 0, stdout: '', stderr: '' });

  await writeFile(join(directory, 'native', 'addon.cc'), `${MINIMAL_ADDON}int changed = 1;\n`);
  const changed = await runNode([join(directory, 'scripts', 'install.mjs')], env);
  t.is(changed.code, 0);
  t.regex(changed.stderr, /native addon built/);
});

test("a source that does not compile shows the compiler's own words", async (t) => {
  const { directory, env } = await installation(t, { clone: true, tools: ALL_TOOLS, source: 'int wrong = "text";\n' });
  const { code, stderr } = await runNode([join(directory, 'scripts', 'install.mjs')], env);
  t.is(code, 1);
  t.regex(stderr, /addon\.cc:1:\d+: error: invalid conversion/);
  t.notRegex(stderr, /gyp ERR/);
});
