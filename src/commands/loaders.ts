/** `weighbridge loaders`: every loader, what it is in a comparison, and whether it can work here. */
import type { CommandModule } from 'yargs';
import { findLoaders, listLoaders } from '../catalog.js';
import { describe, printable, reasonOf } from '../failure.js';
import { roleOf, type ChosenLoader, type LoaderDefinition } from '../loader.js';
import { addonPath, native } from '../native.js';
import type { Arm, Reason } from '../samples/record.js';
import { columnsOf, wrap } from '../wrap.js';
import { DEFAULT_LOADERS } from './run.js';

interface LoadersArguments {
  readonly loader: string | undefined;
  readonly model: string | undefined;
  readonly long: boolean;
  readonly json: boolean;
}

interface Listed {
  readonly name: string;
  readonly role: ReturnType<typeof roleOf>;
  /** Whether `run` compares it unless told otherwise. */
  readonly default: boolean;
  readonly origin: Arm['origin'];
  /** File that a user brought; null for a built-in one. */
  readonly module: string | null;
  readonly mechanism: string;
  readonly options: LoaderDefinition['options'];
  readonly why: string;
  /** Whether it can work for the files asked about. */
  readonly supported: boolean;
  readonly reason: Reason | null;
}

/** The parts of the model; without one a real file of ours, since support depends on the file system. */
function filesOf(model: string | undefined): readonly string[] {
  if (model === undefined) return [addonPath()];
  return native()
    .inspect(model, { arrays: false, digest: false })
    .parts.map((part) => part.path);
}

/** A user's library answers for itself, and may be none at all. */
function unsupported({ mechanism, options = {} }: ChosenLoader, files: readonly string[]): Reason | null {
  try {
    return native().unsupported(mechanism, files, options);
  } catch (error) {
    const reason = mechanism === 'external' ? reasonOf(error) : null;
    if (reason === null) throw error;
    return reason;
  }
}

function list(loader: ChosenLoader, files: readonly string[]): Listed {
  const { name, mechanism, why, module = null } = loader;
  const reason = unsupported(loader, files);
  return {
    name,
    role: roleOf(mechanism),
    default: DEFAULT_LOADERS.some((usual) => usual === name),
    origin: module === null ? 'built-in' : 'external',
    module,
    mechanism,
    options: loader.options ?? {},
    why,
    supported: reason === null,
    reason,
  };
}

const kindOf = ({ role, origin }: Listed): string => (origin === 'external' ? `external ${role}` : role);

/** One line each: name, role, supported or why not. */
function short(loaders: readonly Listed[]): string {
  const width = Math.max(...loaders.map(({ name }) => name.length));
  const kinds = Math.max(...loaders.map((loader) => kindOf(loader).length));
  const lines = loaders.map((loader) => {
    const mark = loader.default ? '*' : ' ';
    const support = loader.reason?.code ?? 'supported';
    return `${mark} ${loader.name.padEnd(width)}  ${kindOf(loader).padEnd(kinds)}  ${support}`;
  });
  return `${lines.join('\n')}\n`;
}

/** A paragraph each. */
function long(loaders: readonly Listed[], columns: number): string {
  const blocks = loaders.map(({ name, role, why, reason }) => {
    const support = reason === null ? 'supported here' : `unsupported here (${reason.code}): ${describe(reason)}`;
    const what = role === 'loader' ? '' : ` (${role}: never ranked)`;
    return `${name}${what}\n${wrap(printable(why), columns, '  ')}\n${wrap(support, columns, '  ')}\n`;
  });
  return blocks.join('\n');
}

function notes(args: LoadersArguments, loaders: readonly Listed[], columns: number): string {
  const asked =
    args.model === undefined
      ? 'Support was asked of the file system that weighbridge is installed on; --model PATH asks for the one your model lies on.'
      : `Support was asked for ${printable(args.model)}.`;
  const marked = loaders.some((loader) => loader.default)
    ? '* compared by weighbridge run unless told otherwise. '
    : '';
  const more = 'Bounds and the harness are never ranked. --long says why each loader exists.';
  const lines = args.long ? [asked] : [`${marked}${more}`, asked];
  return lines.map((line) => `${wrap(line, columns)}\n`).join('');
}

export const loadersCommand: CommandModule<object, LoadersArguments> = {
  command: 'loaders',
  describe: 'List the loaders, and whether each is supported here; --long says why it exists',
  builder: (parser) =>
    parser
      .option('loader', {
        type: 'string',
        requiresArg: true,
        describe: 'these alone, comma-separated: names, or files of your own (.ts, .js, .so)',
      })
      .option('model', { type: 'string', describe: 'a model: support depends on its file system', requiresArg: true })
      .option('long', { type: 'boolean', default: false, describe: 'a paragraph each' })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON' })
      .example('$0 loaders --model model.gguf', 'which loaders work for this file')
      .example('$0 loaders --loader ./mine.so --long', 'what is wrong with a loader of your own'),
  handler: async (args) => {
    const files = filesOf(args.model);
    const chosen = args.loader === undefined ? await listLoaders() : await findLoaders(args.loader);
    const loaders = chosen.map((loader) => list(loader, files));
    if (args.json) {
      process.stdout.write(`${JSON.stringify({ files, loaders }, null, 2)}\n`);
      return;
    }
    const columns = columnsOf(process.stdout);
    process.stdout.write(`${args.long ? long(loaders, columns) : short(loaders)}\n${notes(args, loaders, columns)}`);
  },
};
