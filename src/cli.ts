#!/usr/bin/env node
/** The command line: finds the command, runs it, turns what it throws into one line and an exit code. */
import { readFileSync } from 'node:fs';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { UsageError, failureOf } from './failure.js';
import { aaCommand } from './commands/aa.js';
import { abCommand } from './commands/ab.js';
import { baselineCommand, checkCommand } from './commands/check.js';
import { claimsCommand } from './commands/claims.js';
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
import { recommendCommand } from './commands/recommend.js';
import { reportCommand } from './commands/report.js';
import { runCommand } from './commands/run.js';
import { setupCommand } from './commands/setup.js';
import { tokenizeCommand } from './commands/tokenize.js';

// A reader that goes away (`| head`, a closed terminal) is no failure of ours: the work goes on, and the exit code tells.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });
}

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

const parser = yargs(hideBin(process.argv))
  .scriptName('weighbridge')
  .usage('$0 COMMAND\n\nWeighs ways of loading LLM weights: time to first token, memory, tokens per second.')
  .command(runCommand)
  .command(inspectCommand)
  .command(loadersCommand)
  .command(doctorCommand)
  .command(limitsCommand)
  .command(explainCommand)
  .command(reportCommand)
  .command(fitCommand)
  .command(genCommand)
  .command(logitsCommand)
  .command(generateCommand)
  .command(tokenizeCommand)
  .command(recommendCommand)
  .command(aaCommand)
  .command(claimsCommand)
  .command(abCommand)
  .command(checkCommand)
  .command(baselineCommand)
  .command(historyCommand)
  .command(setupCommand)
  .completion('completion', 'Print a shell completion script (bash or zsh)')
  .demandCommand(1, 'name a command; weighbridge --help lists them')
  .strict()
  .check((args) => {
    // Only these may be several; yargs makes a list of any option that is given twice.
    const several = ['_', 'models', 'runs', 'command', 'command-pattern', 'commandPattern', 'threshold', 'baseline'];
    const twice = Object.entries(args).find(([name, value]) => Array.isArray(value) && !several.includes(name));
    if (twice !== undefined) throw new UsageError(`--${twice[0]} is given more than once; give it one value`);
    return true;
  }, true)
  .version(version)
  .help()
  .alias('help', 'h')
  .wrap(Math.min(process.stdout.columns ?? 80, 100))
  .exitProcess(false)
  .fail((message: string | null, error: Error | undefined) => {
    throw error ?? new UsageError(message ?? 'wrong arguments; see --help');
  });

try {
  await parser.parseAsync();
} catch (error) {
  const { line, code } = failureOf(error);
  process.stderr.write(`weighbridge: ${line}\n`);
  process.exitCode = code;
}
