import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { violations } from './house/rules.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Violations of a small tree that holds just these files. */
async function violationsOf(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const tree = await mkdtemp(join(tmpdir(), 'weighbridge-house-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(tree, name)), { recursive: true });
      await writeFile(join(tree, name), text);
    }
    return violations(tree);
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}

test('this repository keeps the rules of its house', (t) => {
  t.deepEqual(violations(root), []);
});

test('a tree that keeps the rules has no violations', async (t) => {
  const found = await violationsOf({
    'package.json': '{}',
    'src/native.ts': "export const path = 'weighbridge.node';\n",
    'src/plan/plan.ts': "import type { Sample } from '../samples/record.js';\nexport type { Sample };\n",
    'src/samples/record.ts': 'export interface Sample {}\n',
    'src/samples/child.ts': "import { path } from '../native.js';\nimport '../plan/plan.js';\nexport { path };\n",
    'src/gate/gate.ts': "import '../report/table.js';\nimport '../plan/plan.js';\n",
    'src/pipeline.ts': "import './gate/gate.js';\nimport './plan/plan.js';\n",
    'src/commands/run.ts': "import '../pipeline.js';\n",
    'src/cli.ts': "import './commands/run.js';\n",
    'loaders/read.ts': "import { defineLoader } from '../src/loader.js';\nexport default defineLoader;\n",
    'reports/csv.ts':
      "import { stringify } from 'csv-stringify/sync';\nimport { type Sample } from '../src/samples/record.js';\n",
    'native/io.h': '#include <fcntl.h>\n',
    'native/bindings/addon.cc': '#include <napi.h>\n#include "../io.h"\n',
  });
  t.deepEqual(found, []);
});

const breaches: readonly {
  readonly rule: string;
  readonly file: string;
  readonly text: string;
  readonly complaint: RegExp;
}[] = [
  {
    rule: 'the plan does not know how samples are taken',
    file: 'src/plan/plan.ts',
    text: "import { spawn } from '../samples/child.js';\n",
    complaint: /plan may not import samples/,
  },
  {
    rule: 'only types of the records may be imported against the direction',
    file: 'src/plan/plan.ts',
    text: "import { SCHEMA_VERSION } from '../samples/record.js';\n",
    complaint: /plan may not import samples/,
  },
  {
    rule: 'types of other modules may not be imported against the direction',
    file: 'src/statistics/summary.ts',
    text: "import type { Row } from '../report/table.js';\n",
    complaint: /statistics may not import report/,
  },
  {
    rule: 'a dynamic import counts',
    file: 'src/report/table.ts',
    text: "export const gate = import('../gate/gate.js');\n",
    complaint: /report may not import gate/,
  },
  {
    rule: 'a re-export counts',
    file: 'src/samples/child.ts',
    text: "export * from '../statistics/summary.js';\n",
    complaint: /samples may not import statistics/,
  },
  {
    rule: 'a pipeline module does not import the pipeline',
    file: 'src/gate/gate.ts',
    text: "import '../pipeline.js';\n",
    complaint: /a pipeline module may not import src\/pipeline\.ts/,
  },
  {
    rule: 'commands are imported by the command line alone',
    file: 'src/pipeline.ts',
    text: "import './commands/run.js';\n",
    complaint: /only src\/cli\.ts imports commands/,
  },
  {
    rule: 'a loader imports only defineLoader and what Node has built in',
    file: 'loaders/read.ts',
    text: "import { closeSync } from 'node:fs';\nimport { native } from '../src/native.js';\n",
    complaint: /a loader imports only src\/loader\.ts/,
  },
  {
    rule: 'a report imports only types of the contract',
    file: 'reports/csv.ts',
    text: "import { machineFacts } from '../src/machine.js';\n",
    complaint: /a report imports only types/,
  },
  {
    rule: 'a report does not touch files',
    file: 'reports/csv.ts',
    text: "import { writeFileSync } from 'node:fs';\n",
    complaint: /a report is a pure function/,
  },
  {
    rule: 'only src/native.ts loads the addon',
    file: 'src/samples/child.ts',
    text: "process.dlopen(module, 'weighbridge');\n",
    complaint: /only src\/native\.ts loads the addon/,
  },
  {
    rule: 'the product does not import tests',
    file: 'src/doctor.ts',
    text: "import '../test/fixture.js';\n",
    complaint: /does not import test/,
  },
  {
    rule: 'Node is known under native/bindings alone',
    file: 'native/loaders/read.cc',
    text: '#include <napi.h>\n',
    complaint: /only native\/bindings may include napi\.h/,
  },
  {
    rule: 'native code does not reach into the bindings',
    file: 'native/kernel/llama.cc',
    text: '  #  include "../bindings/convert.h"\n',
    complaint: /only native\/bindings may include \.\.\/bindings\/convert\.h/,
  },
  {
    rule: 'the top level is fixed',
    file: 'helpers.ts',
    text: '',
    complaint: /^helpers\.ts: the top level is fixed$/,
  },
];

for (const { rule, file, text, complaint } of breaches) {
  test(`the checker bites: ${rule}`, async (t) => {
    const found = await violationsOf({ [file]: text });
    t.is(found.length, 1, found.join('\n'));
    t.regex(found[0] ?? '', complaint);
    t.true(found[0]?.startsWith(file));
  });
}
