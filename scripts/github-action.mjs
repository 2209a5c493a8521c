/**
 * What action.yml runs: the gate, with its inputs from WEIGHBRIDGE_… variables, so that no input is ever part of a shell
 * command. Writes annotations to standard output, the verdict into $GITHUB_STEP_SUMMARY, paths and verdict into
 * $GITHUB_OUTPUT, and ends with the gate's exit code.
 */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const cli = fileURLToPath(new URL('../dist/src/cli.js', import.meta.url));

const input = (name) => (process.env[`WEIGHBRIDGE_${name}`] ?? '').trim();
const lines = (name) =>
  input(name)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** Workflow commands end at a line break; their properties at a comma or colon too. */
const escaped = (text) => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const annotate = (level, title, message) => {
  const name = escaped(title).replaceAll(':', '%3A').replaceAll(',', '%2C');
  process.stdout.write(`::${level} title=${name}::${escaped(message)}\n`);
};

function end(code, message) {
  annotate('error', 'weighbridge', message);
  tell('exit-code', String(code));
  process.exit(code);
}

/** With a delimiter that nobody can guess, since a path may hold anything. */
function tell(name, value) {
  const file = process.env.GITHUB_OUTPUT;
  if (file === undefined || file === '') return;
  const mark = randomUUID();
  appendFileSync(file, `${name}<<${mark}\n${value}\n${mark}\n`);
}

/** What it says holds names and messages of others: none of its lines is a workflow command, whatever it begins with. */
function weighbridge(args) {
  const resume = randomUUID();
  process.stdout.write(`::stop-commands::${resume}\n`);
  const { status } = spawnSync(process.execPath, [cli, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
  process.stdout.write(`\n::${resume}::\n`);
  return status ?? 1;
}

/** The model named, else a synthetic one that is written once. */
function modelOf(out) {
  const named = input('MODEL');
  if (named !== '') return named;
  const path = join(out, 'synthetic-110m.gguf');
  if (existsSync(path)) return path;
  mkdirSync(out, { recursive: true });
  const made = weighbridge(['gen', path, '--shape', '110m', '--type', 'f16', '--seed', '1']);
  if (made !== 0) end(made, 'the synthetic model could not be written; the log says why');
  return path;
}

/** A word that is neither must not make the gate a lenient one. */
function isTrue(name, text) {
  const word = text.toLowerCase();
  if (!['', 'true', 'false'].includes(word)) end(2, `the input ${name} is true or false, not ${JSON.stringify(text)}`);
  return word === 'true';
}

function argumentsOf(out) {
  const judged = [
    ...lines('THRESHOLD').map((text) => `--threshold=${text}`),
    ...(isTrue('fail-on-inconclusive', input('FAIL_ON_INCONCLUSIVE')) ? ['--fail-on-inconclusive'] : []),
    `--out=${out}`,
    ...lines('ARGUMENTS'),
  ];
  switch (input('MODE') || 'ab') {
    case 'ab':
      if (input('BASE') === '' || input('HEAD') === '') end(2, 'mode ab needs the inputs base and head');
      return ['ab', modelOf(out), `--base=${input('BASE')}`, `--head=${input('HEAD')}`, ...judged];
    case 'check':
      if (input('RUN') === '' || lines('BASELINE').length === 0) end(2, 'mode check needs the inputs run and baseline');
      return ['check', input('RUN'), ...lines('BASELINE').map((path) => `--baseline=${path}`), ...judged];
    default:
      return end(2, `the input mode is ab or check, not ${JSON.stringify(input('MODE'))}`);
  }
}

/** An error a regression, a warning for what stayed open; of what is advisory warnings alone. */
function annotateVerdict({ comparisons, advisory }) {
  if (advisory !== null) annotate('notice', 'weighbridge', advisory);
  for (const { arm, state, metric, verdict, reason } of comparisons) {
    if (verdict !== 'regressed' && verdict !== 'inconclusive') continue;
    const level = verdict === 'regressed' && advisory === null ? 'error' : 'warning';
    annotate(level, `weighbridge: ${verdict}`, `${arm} ${state} ${metric}: ${reason}`.slice(0, 1000));
  }
}

const out = input('OUT') || 'weighbridge-verdict';
const verdictPath = join(out, 'verdict.json');
const writtenAt = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs;
const earlier = writtenAt(verdictPath);
const code = weighbridge(argumentsOf(out));
// One of an earlier run must not stand for what ended without a verdict.
if (writtenAt(verdictPath) !== earlier) {
  const verdict = JSON.parse(readFileSync(verdictPath, 'utf8'));
  annotateVerdict(verdict);
  const comment = join(out, 'verdict.md');
  const summary = process.env.GITHUB_STEP_SUMMARY;
  if (summary !== undefined && summary !== '') appendFileSync(summary, `${readFileSync(comment, 'utf8')}\n`);
  tell('verdict', verdict.verdict);
  tell('comment', comment);
  tell('junit', join(out, 'junit.xml'));
} else annotate('error', 'weighbridge', `it ended with exit code ${code} and no verdict; the log says why`);
tell('exit-code', String(code));
process.exitCode = code;
