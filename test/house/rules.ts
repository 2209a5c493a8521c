/** The rules of the house: which file may name which. Each violation is one line: file, line, what is not allowed. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import { importsOf, includesOf, type Import } from './imports.js';

/** A module may import from itself and from those to its left. */
const PIPELINE = ['plan', 'samples', 'statistics', 'report', 'gate'];

/** May import whatever the pipeline is made of; nothing of the pipeline may import them. */
const ABOVE = [
  'src/cli.ts',
  'src/pipeline.ts',
  'src/run-request.ts',
  'src/same-run.ts',
  'src/index.ts',
  'src/commands/',
];

/** Types that the pipeline, the published interface and the reports have in common. */
const CONTRACTS = ['src/samples/record.ts'];

const TOP_LEVEL = new Set([
  ...['native', 'src', 'loaders', 'reports', 'scripts', 'test', 'package.json', 'package-lock.json', 'tsconfig.json'],
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'LICENSE', 'action.yml'],
]);

/** What is made here and never committed. */
const MADE = new Set(['node_modules', 'dist', 'weighbridge-runs']);

const NODE_HEADERS = /^(napi|node_api|js_native_api|node|v8|uv)(-inl)?\.h$/;

type Rule = (file: string, imported: Import, target: string | null) => string | null;

function pipelineModule(file: string): number {
  return PIPELINE.findIndex((name) => file.startsWith(`src/${name}/`));
}

/** plan ← samples ← statistics ← report ← gate */
const oneWay: Rule = (file, imported, target) => {
  const own = pipelineModule(file);
  if (own < 0 || target === null) return null;
  if (imported.typeOnly && CONTRACTS.includes(target)) return null;
  if (ABOVE.some((prefix) => target.startsWith(prefix))) return `a pipeline module may not import ${target}`;
  const other = pipelineModule(target);
  return other > own ? `${PIPELINE[own] ?? ''} may not import ${PIPELINE[other] ?? ''} (${target})` : null;
};

const commandsOnTop: Rule = (file, _imported, target) => {
  if (target === null || file === 'src/cli.ts') return null;
  if (target === 'src/cli.ts') return 'only the shell runs src/cli.ts';
  return target.startsWith('src/commands/') && !file.startsWith('src/commands/') && file.startsWith('src/')
    ? `only src/cli.ts imports commands (${target})`
    : null;
};

const loadersAreData: Rule = (file, imported, target) =>
  file.startsWith('loaders/') && target !== 'src/loader.ts' && !imported.specifier.startsWith('node:')
    ? `a loader imports only src/loader.ts and what Node has built in, not ${imported.specifier}`
    : null;

const reportsAreFunctions: Rule = (file, imported, target) => {
  if (!file.startsWith('reports/')) return null;
  if (target !== null && target.startsWith('src/') && !imported.typeOnly) {
    return `a report imports only types of ${target}`;
  }
  return imported.specifier.startsWith('node:')
    ? `a report is a pure function and does not use ${imported.specifier}`
    : null;
};

const nothingFromTests: Rule = (_file, _imported, target) =>
  target !== null && target.startsWith('test/') ? `the product does not import ${target}` : null;

const TYPESCRIPT_RULES = [oneWay, commandsOnTop, loadersAreData, reportsAreFunctions, nothingFromTests];

function filesUnder(root: string, folder: string, endings: readonly string[]): readonly string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => endings.some((ending) => name.endsWith(ending)) && !name.startsWith('build/'))
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .sort();
}

/** The file that a relative specifier means, from the root; null for packages and built-ins. */
function targetOf(file: string, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null;
  return posix.normalize(posix.join(posix.dirname(file), specifier)).replace(/\.js$/, '.ts');
}

function typescriptViolations(root: string): readonly string[] {
  const files = ['src', 'loaders', 'reports'].flatMap((folder) => filesUnder(root, folder, ['.ts']));
  return files.flatMap((file) => {
    const fromImports = importsOf(join(root, file)).flatMap((imported) => {
      const target = targetOf(file, imported.specifier);
      return TYPESCRIPT_RULES.map((rule) => rule(file, imported, target))
        .filter((problem) => problem !== null)
        .map((problem) => `${file}:${imported.line}: ${problem}`);
    });
    const text = readFileSync(join(root, file), 'utf8');
    const loadsAddon = file !== 'src/native.ts' && /\bdlopen\b|\.node['"`]/.test(text);
    return loadsAddon ? [...fromImports, `${file}: only src/native.ts loads the addon`] : fromImports;
  });
}

function nativeViolations(root: string): readonly string[] {
  const files = filesUnder(root, 'native', ['.cc', '.h', '.inc']);
  return files
    .filter((file) => !file.startsWith('native/bindings/'))
    .flatMap((file) =>
      includesOf(join(root, file))
        .filter(({ specifier }) => NODE_HEADERS.test(specifier) || /(^|\/)bindings\//.test(specifier))
        .map(({ specifier, line }) => `${file}:${line}: only native/bindings may include ${specifier}`),
    );
}

function topLevelViolations(root: string): readonly string[] {
  return readdirSync(root)
    .filter((name) => !name.startsWith('.') && !name.endsWith('.tgz') && !MADE.has(name) && !TOP_LEVEL.has(name))
    .map((name) => `${name}: the top level is fixed`);
}

export function violations(root: string): readonly string[] {
  return [...topLevelViolations(root), ...typescriptViolations(root), ...nativeViolations(root)].sort();
}
