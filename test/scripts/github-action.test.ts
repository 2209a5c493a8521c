import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { root, runNode } from '../command.js';
import { copyOfFixture, removeFolder, scratchFolder } from '../processes.js';

const folder = scratchFolder();
test.after.always(() => {
  removeFolder(folder);
});
const model = copyOfFixture('tiny-Q8_0.gguf', folder);
const action = readFileSync(join(root, 'action.yml'), 'utf8');
let number = 0;

/** The text of each `run:` of the action, as the runner would give it to bash. */
function shellSteps(): readonly string[] {
  return [...action.matchAll(/^ {6}run: \|\n((?: {8}.*\n|\n)+)/gm)].map(([, body]) =>
    (body ?? '').replace(/^ {8}/gm, ''),
  );
}

/** The last step as the runner starts it, with files of its own. */
async function gate(inputs: Readonly<Record<string, string>>) {
  number += 1;
  const [summary, output] = ['summary', 'output'].map((name) => join(folder, `${name}-${number}`));
  const named = Object.entries(inputs).map(([name, value]) => [`WEIGHBRIDGE_${name}`, value] as const);
  const env = {
    ...process.env,
    XDG_DATA_HOME: join(folder, 'data'),
    ...{ GITHUB_STEP_SUMMARY: summary, GITHUB_OUTPUT: output, GITHUB_ACTION_PATH: root },
    ...Object.fromEntries(named),
  };
  const ended = await runNode([join(root, 'scripts', 'github-action.mjs')], env, folder);
  const textOf = (path: string | undefined): string =>
    path !== undefined && existsSync(path) ? readFileSync(path, 'utf8') : '';
  return { ...ended, summary: textOf(summary), output: textOf(output) };
}

test('the shell steps are bash, and no input is ever part of one', (t) => {
  const steps = shellSteps();
  t.is(steps.length, 2);
  for (const step of steps) {
    execFileSync('bash', ['-n', '-c', step]);
    t.notRegex(step, /\$\{\{/);
  }
  t.regex(steps[1] ?? '', /github-action\.mjs/);
  // The first one finds a build and leaves it alone.
  execFileSync('bash', ['-e', '-o', 'pipefail', '-c', steps[0] ?? 'false'], {
    env: { ...process.env, GITHUB_ACTION_PATH: root },
  });
});

test('every input of the action is one that the script reads', (t) => {
  const script = readFileSync(join(root, 'scripts', 'github-action.mjs'), 'utf8');
  const read = new Set([...script.matchAll(/(?:input|lines)\('([A-Z_]+)'\)/g)].map(([, name]) => name));
  const given = new Set(
    [...action.matchAll(/^ {8}WEIGHBRIDGE_([A-Z_]+): \$\{\{ inputs\.[a-z-]+ \}\}$/gm)].map(([, name]) => name),
  );
  t.deepEqual([...given].sort(), [...read].sort());
});

test.serial('a regression is annotated, summed up, named in the outputs, and ends the step with 3', async (t) => {
  const out = join(folder, 'verdict');
  // Ten differences that happen to resemble their neighbours are five values, too few for any verdict.
  const quick = ['--metric=wall', '--state=warm', '--memory-state=as-is', '--pairs=20', '--lock-wait=600'];
  const { code, stdout, stderr, summary, output } = await gate({
    ...{ MODEL: model, BASE: 'cmd=true', HEAD: "cmd=sh -c 'sleep 0.3'", OUT: out },
    ...{ THRESHOLD: '10%\nwall=20%', ARGUMENTS: quick.join('\n') },
  });
  t.is(code, 3, stderr + stdout);
  t.regex(stdout, /^::error title=weighbridge%3A regressed::head warm wall: wall time is .* more/m);
  t.regex(summary, /### Weighbridge[^]*Regressed/);
  t.regex(output, /verdict<<(\S+)\nregressed\n\1\n/);
  t.regex(output, /exit-code<<(\S+)\n3\n\1\n/);
  const [, comment = ''] = /comment<<\S+\n(.*)\n/.exec(output) ?? [];
  t.true(existsSync(comment));
});

test.serial('what is weighed can give the runner no commands, whatever its name', async (t) => {
  const quick = ['--metric=wall', '--state=warm', '--memory-state=as-is', '--pairs=10', '--lock-wait=600'];
  const { code, stdout } = await gate({
    ...{ MODEL: model, BASE: "cmd=true '\n::error::of base'", HEAD: 'cmd=true ::set-output name=verdict::unchanged' },
    ...{ OUT: join(folder, 'commands'), ARGUMENTS: [...quick, '--time-budget=1'].join('\n') },
  });
  t.is(code, 0, stdout);
  const [, resume = 'none'] = /^::stop-commands::(\S+)$/m.exec(stdout) ?? [];
  const [before = '', after = ''] = stdout.split(`\n::${resume}::\n`);
  t.regex(before, /::set-output name=verdict/);
  t.notRegex(before.split(resume)[0] ?? '', /set-output/);
  t.notRegex(after, /set-output|of base/);
});

test.serial('wrong inputs, and a run without a verdict, end with an error that says so', async (t) => {
  const wrong = await gate({ MODE: 'judge' });
  t.is(wrong.code, 2);
  t.regex(wrong.stdout, /^::error title=weighbridge::the input mode is ab or check/);
  const unclear = await gate({ MODEL: model, BASE: 'read', HEAD: 'read', FAIL_ON_INCONCLUSIVE: 'yes' });
  t.is(unclear.code, 2);
  t.regex(unclear.stdout, /fail-on-inconclusive is true or false, not "yes"/);
  const empty = await gate({ MODEL: model });
  t.is(empty.code, 2);
  const stale = join(folder, 'stale');
  mkdirSync(stale);
  writeFileSync(join(stale, 'verdict.json'), '{"verdict":"unchanged"}');
  const none = await gate({ MODEL: model, BASE: 'nosuch', HEAD: 'read', OUT: stale });
  t.is(none.code, 2);
  t.regex(none.stdout, /::error title=weighbridge::it ended with exit code 2 and no verdict/);
  t.notRegex(none.output, /unchanged/);
});
