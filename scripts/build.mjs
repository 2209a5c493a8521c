/**
 * Compiles TypeScript into dist/ and removes what a deleted or renamed source left there, so that no stale test runs and
 * no stale file is packed. Then the schemas into functions, in place of the empty module that TypeScript makes of their
 * types.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

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

/** Of each record of a ledger, and of a baseline. Only the first violation is told, and looked for. */
async function compileSchemas() {
  const compiled = (name) => import(pathToFileURL(join(dist, 'src', 'schema', name)).href);
  const { ledgerSchema, LEDGER_SCHEMA_ID } = await compiled('ledger-schema.js');
  const { baselineSchema, BASELINE_SCHEMA_ID } = await compiled('baseline-schema.js');
  const { default: ajv } = await import('ajv/dist/ajv.js');
  const { default: standalone } = await import('ajv/dist/standalone/index.js');
  const options = { allowUnionTypes: true, inlineRefs: false, messages: false, code: { source: true, esm: true } };
  // What they use is the same in the draft that ajv knows without tracking what was evaluated, which would cost a half.
  const schemas = [ledgerSchema, baselineSchema].map((schema) => ({ ...schema, $schema: undefined }));
  const compiler = new ajv.default({ ...options, schemas });
  const records = ledgerSchema.oneOf.map(({ $ref }) => [$ref.split('/').at(-1), `${LEDGER_SCHEMA_ID}${$ref}`]);
  const code = standalone.default(compiler, { ...Object.fromEntries(records), baseline: BASELINE_SCHEMA_ID });
  writeFileSync(join(dist, 'src', 'schema', 'compiled.js'), code);
}

removeOrphans();
const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [compiler, '-p', root], { stdio: 'inherit' });
if (existsSync(join(dist, 'src', 'schema', 'ledger-schema.js'))) await compileSchemas();
const command = join(dist, 'src', 'cli.js');
if (existsSync(command)) chmodSync(command, 0o755);
process.exitCode = status ?? 1;
