/** Commands of a user's own to be weighed: what the command line or a configuration file states of them, checked. */
import { splitWords } from './command-words.js';
import { UsageError } from './failure.js';
import { nearest } from './nearest.js';
import type { ChosenCommand } from './plan/arms.js';
import { problemOfProgram } from './programs.js';
import { MODEL } from './samples/command.js';

type Output = ChosenCommand['command']['output'];

export const COMMAND_OUTPUTS = ['discard', 'first-byte'] as const satisfies readonly Output[];

const NAME = /^[A-Za-z0-9][\w.+-]*$/;

/** A command as it was stated; `where` names that place in messages. */
export interface StatedCommand {
  readonly where: string;
  readonly name: string;
  readonly argv: readonly string[];
  /** Null: first-byte where there is a pattern, which needs the output; else discard. */
  readonly output: Output | null;
  readonly pattern: string | null;
}

/** `name=program arguments …` of --command, with the `name=REGEX` of --command-pattern. Throws UsageError. */
export function statedOnCommandLine(
  commands: readonly string[],
  patterns: readonly string[],
  output: Output | null,
): readonly StatedCommand[] {
  const patternOf = new Map(patterns.map((text) => named('--command-pattern', text, 'REGEX')));
  const stated = commands.map((text): StatedCommand => {
    const [name, words] = named('--command', text, 'program {model} …');
    const where = `--command ${name}`;
    return { where, name, argv: splitWords(where, words), output, pattern: patternOf.get(name) ?? null };
  });
  const stray = [...patternOf.keys()].find((name) => stated.every((command) => command.name !== name));
  if (stray !== undefined) throw new UsageError(`--command-pattern ${stray}: there is no --command of this name`);
  return stated;
}

function named(option: string, text: string, what: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at).trim(), text.slice(at + 1)];
  throw new UsageError(`${option} is NAME='${what}', not ${JSON.stringify(text)}`);
}

/** Commands that can be weighed beside loaders of the names `taken`. Throws UsageError. */
export function chosenCommands(stated: readonly StatedCommand[], taken: readonly string[]): readonly ChosenCommand[] {
  const chosen = stated.map((each) => ({ where: each.where, command: chosenCommand(each) }));
  for (const { where, command } of chosen) {
    const { name } = command;
    if (taken.includes(name)) {
      throw new UsageError(`${where}: ${name} is a loader of this run as well; give the command another name`);
    }
    const same = chosen.filter((other) => other.command.name === name);
    if (new Set(same.map((other) => JSON.stringify(other.command))).size > 1) {
      throw new UsageError(`${where}: two commands are named ${name}`);
    }
  }
  return chosen.map(({ command }) => command);
}

function chosenCommand({ where, name, argv, output, pattern }: StatedCommand): ChosenCommand {
  if (!NAME.test(name)) {
    throw new UsageError(`${where}: a name is made of letters, digits and _ . + -, not ${JSON.stringify(name)}`);
  }
  if (argv[0] === undefined || argv[0] === '') throw new UsageError(`${where}: it names no program`);
  if (argv.some((word) => word.includes('\0'))) throw new UsageError(`${where}: a word holds a NUL byte`);
  if (pattern !== null) checkPattern(where, pattern);
  checkPlaceholders(where, argv);
  // The model itself may be a program.
  const problem = argv[0].includes(MODEL) ? null : problemOfProgram(argv[0]);
  if (problem !== null) throw new UsageError(`${where}: ${problem}`);
  return { name, command: { argv, output: output ?? (pattern === null ? 'discard' : 'first-byte'), pattern } };
}

/**
 * Braces mean something to many programs (`awk '{print}'`), so that only what was surely meant for the model is refused:
 * a slip of {model}, and a word in braces that is a whole argument where nothing else tells of the model.
 */
function checkPlaceholders(where: string, argv: readonly string[]): void {
  const isTold = argv.some((word) => word.includes(MODEL));
  const braced = argv.flatMap((word) =>
    [...word.matchAll(/\{(\w+)\}/g)].map(([all, name = '']) => ({ all, name, word })),
  );
  const slip = braced.find(
    ({ all, name, word }) => all !== MODEL && (nearest(name, ['model']) !== null || (!isTold && word === all)),
  );
  if (slip === undefined) return;
  throw new UsageError(`${where}: ${slip.all} is no placeholder; the path of the model is ${MODEL}`);
}

/** What a reader should know before such commands are weighed: a line each. */
export function commandNotes(commands: readonly ChosenCommand[]): readonly string[] {
  return commands
    .filter(({ command }) => !command.argv.some((word) => word.includes(MODEL)))
    .map(({ name }) => `${name}: no argument holds ${MODEL}, so that the program is not told which model it is`);
}

function checkPattern(where: string, pattern: string): void {
  let groups: number;
  try {
    // The alternative matches anything, and its match has an element for each group.
    groups = (new RegExp(`${pattern}|`).exec('')?.length ?? 1) - 1;
  } catch (error) {
    throw new UsageError(`${where}: its pattern is no regular expression: ${(error as Error).message}`);
  }
  if (groups !== 1) {
    throw new UsageError(
      `${where}: its pattern needs one group, around the number of tokens per second; it has ${groups}`,
    );
  }
}
