/** `weighbridge loaders`: every loader with its reason, and whether it can work here. */
import type { CommandModule } from 'yargs';
import { listLoaders } from '../catalog.js';
import { describe } from '../failure.js';
import type { LoaderDefinition } from '../loader.js';
import { addonPath, native } from '../native.js';
import type { Reason } from '../samples/record.js';
import { columnsOf, wrap } from '../wrap.js';

interface LoadersArguments {
  readonly model: string | undefined;
  readonly json: boolean;
}

interface Listed {
  readonly name: string;
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

function list(definition: LoaderDefinition, files: readonly string[]): Listed {
  const { name, mechanism, why } = definition;
  const options = definition.options ?? {};
  const reason = native().unsupported(mechanism, files, options);
  return { name, mechanism, options, why, supported: reason === null, reason };
}

function print(loaders: readonly Listed[], model: string | undefined, columns: number): string {
  const blocks = loaders.map(({ name, why, reason }) => {
    const support = reason === null ? 'supported here' : `unsupported here (${reason.code}): ${describe(reason)}`;
    return `${name}\n${wrap(why, columns, '  ')}\n${wrap(support, columns, '  ')}\n`;
  });
  const note = wrap(
    model === undefined
      ? 'Support was asked of the file system that weighbridge is installed on; --model PATH asks for the one your model lies on.'
      : `Support was asked for ${model}.`,
    columns,
  );
  return `${blocks.join('\n')}\n${note}\n`;
}

export const loadersCommand: CommandModule<object, LoadersArguments> = {
  command: 'loaders',
  describe: 'List the loaders, why each exists, and whether it is supported here',
  builder: (parser) =>
    parser
      .option('model', { type: 'string', describe: 'a model: support depends on its file system', requiresArg: true })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON' })
      .example('$0 loaders --model model.gguf', 'which loaders work for this file, and why not'),
  handler: async ({ model, json }) => {
    const files = filesOf(model);
    const loaders = (await listLoaders()).map((definition) => list(definition, files));
    const columns = columnsOf(process.stdout);
    process.stdout.write(json ? `${JSON.stringify({ files, loaders }, null, 2)}\n` : print(loaders, model, columns));
  },
};
