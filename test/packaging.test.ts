import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { root } from './command.js';

interface Packed {
  readonly files: readonly { readonly path: string }[];
}

interface PackageJson {
  readonly bin: Readonly<Record<string, string>>;
  readonly types: string;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** What npm would put into the package, from the root of it. Scripts are left out: the tree was built for these tests. */
async function packed(): Promise<readonly string[]> {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const { stdout } = await promisify(execFile)('npm', args, { cwd: root });
  const [one] = JSON.parse(stdout) as readonly Packed[];
  return (one?.files ?? []).map(({ path }) => path);
}

async function packageJson(): Promise<PackageJson> {
  return JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as PackageJson;
}

async function sources(folder: string, ending: RegExp): Promise<readonly string[]> {
  const names = await readdir(join(root, folder), { recursive: true });
  return names.filter((name) => ending.test(name) && !name.startsWith('build')).map((name) => `${folder}/${name}`);
}

test('the package holds the compiled product with its types, every native source and what builds it', async (t) => {
  const files = new Set(await packed());
  const compiled = (await Promise.all(['src', 'loaders', 'reports'].map((folder) => sources(folder, /\.ts$/)))).flat();
  const expected = [
    ...compiled.flatMap((file) => [`dist/${file.replace(/\.ts$/, '.js')}`, `dist/${file.replace(/\.ts$/, '.d.ts')}`]),
    ...(await sources('native', /\.(c|cc|h|inc|gyp)$/)),
    ...['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE', 'scripts/install.mjs'],
  ];
  t.true(compiled.length > 10);
  t.deepEqual(
    expected.filter((file) => !files.has(file)),
    [],
  );
});

const documents = ['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE', 'scripts/install.mjs'];
const readByReports = ['reports/client/page.mjs', 'reports/font/source-sans-3-latin-400.ttf', 'reports/font/LICENSE'];

test('the package holds what reports read: the script of the page, and the font with its licence', async (t) => {
  const files = await packed();
  for (const path of readByReports) t.true(files.includes(path), path);
});

test('the package holds no test, no build output, no TypeScript source and no other script', async (t) => {
  const foreign = (await packed()).filter(
    (file) =>
      !/^(dist\/(src|loaders|reports)\/.+\.(js|d\.ts)|native\/.+\.(c|cc|h|inc)|native\/binding\.gyp)$/.test(file) &&
      ![...documents, ...readByReports].includes(file),
  );
  t.deepEqual(foreign, []);
  t.false((await packed()).some((file) => file.startsWith('native/build/') || file.startsWith('dist/test/')));
});

test('what package.json points at is in the package', async (t) => {
  const files = new Set(await packed());
  const { bin, types, exports } = await packageJson();
  const entries = Object.values(exports).flatMap((entry) =>
    typeof entry === 'string' ? [entry] : Object.values(entry),
  );
  for (const path of [...Object.values(bin), types, ...entries]) {
    t.true(files.has(path.replace(/^\.\//, '')), path);
  }
});

test('the package root can be imported, and the command line is executable', async (t) => {
  const { bin } = await packageJson();
  const entry = await readFile(join(root, bin['weighbridge'] ?? ''), 'utf8');
  t.true(entry.startsWith('#!/usr/bin/env node\n'));
  // By its own name, as users import it; a variable, so that the compiler does not look for types that it has yet to write.
  const name: string = 'weighbridge';
  const exported = (await import(name)) as Readonly<Record<string, unknown>>;
  t.is(typeof exported['defineLoader'], 'function');
});

test('no prepare script: it would run in an install without development dependencies', async (t) => {
  const { scripts, dependencies } = await packageJson();
  t.false('prepare' in scripts);
  t.true('node-gyp' in dependencies);
});

test('the lock file names no registry host', async (t) => {
  const lock = await readFile(join(root, 'package-lock.json'), 'utf8');
  t.notRegex(lock, /"resolved"/);
});
