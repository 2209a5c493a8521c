/** Options shared by the commands that run a model in this process, and opening it by them. */
import { availableParallelism } from 'node:os';
import type { Argv } from 'yargs';
import { findLoader } from '../catalog.js';
import { UsageError } from '../failure.js';
import { roleOf } from '../loader.js';
import { native, type ModelSession, type Shape } from '../native.js';

export interface SessionArguments {
  readonly model: string;
  readonly loader: string;
  readonly isa: string;
  readonly threads: number;
}

/** Most threads that anything here starts. */
const mostThreads = 1024;
/** Tokens of one internal step of the kernel. */
export const batch = 64;

/** Adds MODEL, --loader, --isa and --threads. */
export function sessionOptions<T>(parser: Argv<T>): Argv<T & SessionArguments> {
  return parser
    .positional('model', { type: 'string', demandOption: true, describe: 'a GGUF file, or any part of a split model' })
    .option('loader', {
      type: 'string',
      default: 'mmap-shared',
      requiresArg: true,
      describe: 'how the weights get in: a name, or a file of yours (.ts, .js, .so)',
    })
    .option('isa', { type: 'string', default: 'auto', requiresArg: true, describe: 'instruction set of the kernel' })
    .option('threads', {
      type: 'number',
      default: availableParallelism(),
      requiresArg: true,
      describe: 'threads of the kernel',
    });
}

/** A whole number from `least` to `most`; throws UsageError naming the option otherwise. */
export function wholeNumber(option: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  // What is no number at all has lost its text on the way here.
  const given = Number.isNaN(value) ? '' : `, not ${value}`;
  throw new UsageError(`${option} must be a whole number from ${least} to ${most}${given}`);
}

/** Loads the model; `contextFor` gets its shape before any weight is touched and says how many positions are needed. */
export async function openModel(
  { model, loader, isa, threads }: SessionArguments,
  contextFor: (shape: Shape) => number,
): Promise<ModelSession> {
  wholeNumber('--threads', threads, 1, mostThreads);
  const chosen = await findLoader(loader);
  const { mechanism, options = {} } = chosen;
  if (roleOf(mechanism) !== 'loader') {
    throw new UsageError(`the loader ${chosen.name} keeps no weights to run on; name another with --loader`);
  }
  const callback = chosen.mechanism === 'callback' ? { load: chosen.load } : {};
  const { shape } = native().kernelPlan(model, { context: 1, batch, threads });
  const context = contextFor(shape);
  return native().openSession({ path: model, mechanism, options, ...callback, isa, threads, context, batch });
}
