/** What yargs finds wrong with a command line, as one line of ours: where, what, what to do. */
import type { Argv } from 'yargs';
import { UsageError } from '../failure.js';
import { nearest, suggestion } from '../nearest.js';
import { enumeration } from '../report/format.js';

/** As the parser left it: every option there is by name, and what was given. */
type Parsed = Exclude<Argv['parsed'], false>;

export interface CommandLine {
  readonly words: readonly string[];
  /** Of every command, as it is called: `gen <out>`. */
  readonly usages: readonly string[];
  readonly parsed: Argv['parsed'];
}

/** `message` is one of yargs' own in English (locales/en.json), or one that we gave it. */
export function wrongArguments(message: string, { words, usages, parsed }: CommandLine): string {
  const usage = usages.find((each) => words.includes(nameOf(each)));
  const where = usage === undefined ? 'weighbridge' : `weighbridge ${nameOf(usage)}`;
  const help = `${where} --help`;
  const strangers = parsed === false ? [] : strangersIn(parsed, words);
  if (parsed !== false && strangers.length > 0) {
    if (strangers.includes(NO_INFERENCE)) return `${where} has no option --${NO_INFERENCE}; run, ab and aa have it`;
    const meant = strangers.flatMap((name) => nearest(name, optionsOf(parsed, usage)) ?? []).map(dashed);
    const hint = meant.length === 0 ? `${help} lists them` : `did you mean ${enumeration([...new Set(meant)])}?`;
    return `${where} has no option ${enumeration(strangers.map(dashed))}; ${hint}`;
  }
  if (parsed !== false && /^Unknown (argument|command)/.test(message)) {
    const [first = '', extra = first] = parsed.argv._.map(String);
    if (usage !== undefined) {
      return `weighbridge ${usage}: ${JSON.stringify(extra)} is one argument too many; ${help} has examples`;
    }
    const meant = suggestion(first, usages.map(nameOf));
    return `there is no command ${JSON.stringify(first)}${meant} (weighbridge --help lists them)`;
  }
  return (
    complaints.flatMap(([pattern, told]) => {
      const match = pattern.exec(message);
      return match === null ? [] : [told(match, { where, help, usage: usage ?? '' })];
    })[0] ?? message
  );
}

/** Named by errors about models that the kernel does not run, whatever the command that met one. */
const NO_INFERENCE = 'no-inference';

/** Only these may be several; yargs makes a list of any option that is given twice. */
const SEVERAL = ['_', 'models', 'runs', 'command', 'command-pattern', 'commandPattern', 'threshold', 'baseline'];
/** Of options that mean something without a value, and of a prompt, which may be empty. */
const MAY_BE_EMPTY = ['plan', 'wait-quiet', 'waitQuiet', 'schema', 'prompt', 'p'];

/** Throws UsageError where an option is given twice, or a value is empty, as that of an unset variable is. */
export function refuseValues(args: Readonly<Record<string, unknown>>, words: readonly string[]): void {
  const given = Object.entries(args);
  const twice = given.find(([name, value]) => Array.isArray(value) && !SEVERAL.includes(name));
  if (twice !== undefined) throw new UsageError(`${dashed(twice[0])} is given more than once; give it one value`);
  const empty = given.find(([name, value]) => [value].flat().includes('') && !MAY_BE_EMPTY.includes(name));
  if (empty === undefined) return;
  const [name] = empty;
  const isOption = words.some((word) => word.split('=')[0] === dashed(name));
  throw new UsageError(isOption ? `${dashed(name)} needs a value; it is empty` : `an argument is empty (${name})`);
}

interface Where {
  readonly where: string;
  readonly help: string;
  readonly usage: string;
}

const complaints: readonly (readonly [RegExp, (match: RegExpExecArray, where: Where) => string])[] = [
  [
    /^Not enough non-option arguments: got (\d+)/,
    ([, got], { where, usage, help }) => {
      const missing = positionalsOf(usage, '<')[Number(got)] ?? 'an argument';
      return `${where}${usage.slice(nameOf(usage).length)}: ${missing} is missing; ${help} has examples`;
    },
  ],
  [
    /^Missing required arguments?: (.*)/,
    ([, names = ''], { where, help }) =>
      `${where} needs ${enumeration(names.split(', ').map(dashed))}; ${help} says what it takes`,
  ],
  [
    /^Not enough arguments following: (\S+)/,
    ([, name = ''], { help }) => `${dashed(name)} needs a value; ${help} says which`,
  ],
  [
    /Argument: (\S+), Given: (.*), Choices: (.*)/,
    ([, name = '', given = '', choices = '']) => {
      const allowed = choices.replaceAll('"', '').split(', ');
      return `${dashed(name)} takes ${allowed.join(', ')}, not ${given}${suggestion(given.replaceAll('"', ''), allowed)}`;
    },
  ],
];

const nameOf = (usage: string): string => usage.split(' ')[0] ?? usage;

/** `<model>`, `[models..]` */
function positionalsOf(usage: string, kind: '<' | '<[' = '<['): readonly string[] {
  return usage.split(' ').filter((word) => kind.includes(word.charAt(0)));
}

const dashed = (name: string): string => (name.length === 1 ? `-${name}` : `--${name}`);

/** Whether an option is one of the command's: what the parser made up for a stranger is marked as new. */
function isKnown({ aliases, newAliases }: Parsed, name: string): boolean {
  return Object.hasOwn(aliases, name) && [name, ...(aliases[name] ?? [])].some((each) => newAliases[each] !== true);
}

/** Options that were given and are none, each as it was written. */
function strangersIn(parsed: Parsed, words: readonly string[]): readonly string[] {
  const unknown = Object.keys(parsed.argv).filter((name) => name !== '_' && name !== '$0' && !isKnown(parsed, name));
  const written = unknown
    .flatMap((name) => [name, `no-${name}`])
    .filter((name) => words.some((word) => word.split('=')[0] === dashed(name)));
  return written.length > 0 ? written : unknown;
}

/** In the form in which people write them. */
function optionsOf(parsed: Parsed, usage = ''): readonly string[] {
  const positionals = positionalsOf(usage).map((word) => word.replace(/[^\w-]/g, ''));
  return Object.keys(parsed.aliases).filter(
    (name) => isKnown(parsed, name) && !/[A-Z]/.test(name) && name.length > 1 && !positionals.includes(name),
  );
}
