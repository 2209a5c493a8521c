#!/usr/bin/env node
/** The command line: finds the command, runs it, turns what it throws into one line and an exit code. */
import { readFileSync } from 'node:fs';
import yargs, { type Argv, type CommandModule } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { UsageError, failureOf } from './failure.js';
import { aaCommand } from './commands/aa.js';
import { abCommand } from './commands/ab.js';
import { baselineCommand, checkCommand } from './commands/check.js';
import { claimsCommand } from './commands/claims.js';
import { compareCommand } from './commands/compare.js';
import { doctorCommand } from './commands/doctor.js';
import { explainCommand } from './commands/explain.js';
import { fitCommand } from './commands/fit.js';
import { historyCommand } from './commands/history.js';
import { genCommand } from './commands/gen.js';
import { generateCommand } from './commands/generate.js';
import { inspectCommand } from './commands/inspect.js';
import { limitsCommand } from './commands/limits.js';
import { loadersCommand } from './commands/loaders.js';
import { logitsCommand } from './commands/logits.js';
import { mergeCommand } from './commands/merge.js';
import { recommendCommand } from './commands/recommend.js';
import { reportCommand } from './commands/report.js';
import { runCommand } from './commands/run.js';
import { setupCommand } from './commands/setup.js';
import { chooseShell } from './commands/shells.js';
import { tokenizeCommand } from './commands/tokenize.js';
import { refuseValues, wrongArguments } from './commands/wrong-arguments.js';
import { tell } from './wrap.js';

// A reader that goes away (`| head`, a closed terminal) is no failure of ours: the work goes on, and the exit code tells.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });
}

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

const commands = [
  ...[runCommand, inspectCommand, loadersCommand, doctorCommand, limitsCommand, explainCommand, reportCommand],
  ...[compareCommand, fitCommand, genCommand, logitsCommand, generateCommand, tokenizeCommand, recommendCommand],
  ...[aaCommand, claimsCommand],
  ...[abCommand, checkCommand, baselineCommand, historyCommand, mergeCommand, setupCommand],
] as readonly CommandModule[];

const usages = [...commands.map(({ command = '' }) => String(command)), 'completion [shell]'];

function parserOf(words: readonly string[]): Argv {
  const parser = yargs([...words]);
  return parser
    .scriptName('weighbridge')
    .locale('en')
    .usage('$0 COMMAND\n\nWeighs ways of loading LLM weights: time to first token, memory, tokens per second.')
    .command([...commands])
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
  const words = hideBin(process.argv);
  chooseShell(words);
  await parserOf(words).parseAsync();
} catch (error) {
  const { line, code } = failureOf(error);
  tell(process.stderr, `weighbridge: ${line}`);
  process.exitCode = code;
}
