#!/usr/bin/env node
/** The command line: finds the command, runs it, turns what it throws into one line and an exit code. */
import { readFileSync } from 'node:fs';
import yargs, { type Argv, type CommandModule } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { UsageError, exitCode, failureOf } from './failure.js';
import { chooseShell } from './commands/shells.js';
import { refuseValues, wrongArguments } from './commands/wrong-arguments.js';
import { tell } from './wrap.js';

// A reader that goes away (`| head`, a closed terminal) is no failure of ours: the work goes on, and the exit code tells.
// So it does where the output has no room, and that is told, once.
let isTold = false;
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || error.code === 'EIO' || isTold) return;
    isTold = true;
    const { line } = failureOf(
      Object.assign(error, { path: stream === process.stdout ? 'standard output' : 'standard error' }),
    );
    if (stream === process.stdout) tell(process.stderr, `weighbridge: ${line}`);
    process.once('exit', (code) => {
      process.exitCode = code === 0 ? exitCode.failed : code;
    });
  });
}

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

/**
 * In the order of the help. Each is imported only where it is named: reading the files of all takes longer than most
 * commands work.
 */
const commands: Readonly<Record<string, () => Promise<unknown>>> = {
  run: async () => (await import('./commands/run.js')).runCommand,
  inspect: async () => (await import('./commands/inspect.js')).inspectCommand,
  loaders: async () => (await import('./commands/loaders.js')).loadersCommand,
  doctor: async () => (await import('./commands/doctor.js')).doctorCommand,
  limits: async () => (await import('./commands/limits.js')).limitsCommand,
  explain: async () => (await import('./commands/explain.js')).explainCommand,
  report: async () => (await import('./commands/report.js')).reportCommand,
  compare: async () => (await import('./commands/compare.js')).compareCommand,
  fit: async () => (await import('./commands/fit.js')).fitCommand,
  gen: async () => (await import('./commands/gen.js')).genCommand,
  logits: async () => (await import('./commands/logits.js')).logitsCommand,
  generate: async () => (await import('./commands/generate.js')).generateCommand,
  tokenize: async () => (await import('./commands/tokenize.js')).tokenizeCommand,
  recommend: async () => (await import('./commands/recommend.js')).recommendCommand,
  aa: async () => (await import('./commands/aa.js')).aaCommand,
  claims: async () => (await import('./commands/claims.js')).claimsCommand,
  ab: async () => (await import('./commands/ab.js')).abCommand,
  check: async () => (await import('./commands/check.js')).checkCommand,
  baseline: async () => (await import('./commands/check.js')).baselineCommand,
  history: async () => (await import('./commands/history.js')).historyCommand,
  merge: async () => (await import('./commands/merge.js')).mergeCommand,
  setup: async () => (await import('./commands/setup.js')).setupCommand,
};

/** All where the first word names none: help, a completion, or a mistake needs to know every command. */
async function commandsFor(words: readonly string[]): Promise<readonly CommandModule[]> {
  const [first = ''] = words;
  if (first === '--version' && words.length === 1) return [];
  const named = Object.entries(commands).filter(([name]) => !Object.hasOwn(commands, first) || name === first);
  return (await Promise.all(named.map(([, imported]) => imported()))) as readonly CommandModule[];
}

function parserOf(words: readonly string[], known: readonly CommandModule[]): Argv {
  const parser = yargs([...words]);
  const usages = [...known.map(({ command = '' }) => String(command)), 'completion [shell]'];
  return parser
    .scriptName('weighbridge')
    .locale('en')
    .usage('$0 COMMAND\n\nWeighs ways of loading LLM weights: time to first token, memory, tokens per second.')
    .command([...known])
    .completion('completion', 'Print a completion script for the shell in use, or for bash, zsh or fish as named')
    .demandCommand(1, 'name a command; weighbridge --help lists them')
    .strict()
    .check((args) => {
      refuseValues(args, words);
      return true;
    }, true)
    .version(version)
    .help()
    .alias('help', 'h')
    .wrap(Math.min(process.stdout.columns ?? 80, 100))
    .exitProcess(false)
    .fail((message: string | null, error: Error | undefined) => {
      if (error !== undefined && error.name !== 'YError') throw error;
      const wrong = message ?? error?.message ?? 'wrong arguments; see --help';
      throw new UsageError(wrongArguments(wrong, { words, usages, parsed: parser.parsed }));
    });
}

try {
  const words = chooseShell(hideBin(process.argv));
  await parserOf(words, await commandsFor(words)).parseAsync();
} catch (error) {
  const { line, code } = failureOf(error);
  tell(process.stderr, `weighbridge: ${line}`);
  process.exitCode = code;
}
