/** `weighbridge gen`: writes a model of a real shape with random weights. */
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { CommandModule } from 'yargs';
import { UsageError } from '../failure.js';
import { partPaths, tensorCount } from '../synthetic/plan.js';
import { shapeNames, type ShapeName } from '../synthetic/shapes.js';
import { generateModel } from '../synthetic/synthesize-model.js';
import { weightTypes, type WeightType } from '../synthetic/weight-types.js';
import { wholeNumber } from './session-options.js';

interface GenArguments {
  readonly out: string;
  readonly shape: ShapeName;
  readonly type: WeightType;
  readonly seed: number;
  readonly split: number;
  readonly force: boolean;
}

/** Between two lines of progress where standard error is no terminal, milliseconds. */
const lineInterval = 2000;

/** One line that is written over, or now and then a plain line. */
export function progressReporter(): { readonly update: (bytes: number, of: number) => void; readonly end: () => void } {
  const terminal = process.stderr.isTTY;
  let lastAt = performance.now();
  let shown = false;
  return {
    update(bytes, of) {
      if (!terminal && performance.now() - lastAt < lineInterval) return;
      lastAt = performance.now();
      shown = true;
      const megabytes = (size: number): string => (size / 1e6).toFixed(0);
      const text = `${megabytes(bytes)} of ${megabytes(of)} MB (${Math.floor((100 * bytes) / of)} %)`;
      process.stderr.write(terminal ? `\r${text}` : `${text}\n`);
    },
    end() {
      if (terminal && shown) process.stderr.write('\n');
    },
  };
}

function checkFree(out: string, split: number, force: boolean): void {
  for (const path of partPaths(resolve(out), split)) {
    if (!existsSync(path)) continue;
    if (!statSync(path).isFile()) throw new UsageError(`${path}: exists and is not a file; choose another name`);
    if (!force) throw new UsageError(`${path}: exists already; --force replaces it`);
  }
}

export const genCommand: CommandModule<object, GenArguments> = {
  command: 'gen <out>',
  describe: 'Write a synthetic model: a real shape, random weights, a valid tokenizer',
  builder: (parser) =>
    parser
      .positional('out', { type: 'string', demandOption: true, describe: 'the GGUF file to write' })
      .option('shape', {
        choices: shapeNames,
        demandOption: true,
        requiresArg: true,
        describe: 'which LLaMA; tiny is for tests',
      })
      .option('type', {
        choices: weightTypes,
        default: 'q4_0' as const,
        requiresArg: true,
        describe: 'of the matrices; q4_k_m and q5_k_m mix as llama.cpp does',
      })
      .option('seed', { type: 'number', default: 1, requiresArg: true, describe: 'same seed, same bytes' })
      .option('split', { type: 'number', default: 1, requiresArg: true, describe: 'number of files to divide it into' })
      .option('force', { type: 'boolean', default: false, describe: 'replace files that exist' })
      .example('$0 gen 1b.gguf --shape 1b --type q4_0', 'a model of 620 MB')
      .example('$0 gen 7b.gguf --shape 7b --split 4', '7b-00001-of-00004.gguf and so on'),
  handler: async ({ out, shape, type, seed, split, force }) => {
    wholeNumber('--seed', seed, 0, Number.MAX_SAFE_INTEGER);
    wholeNumber('--split', split, 1, Math.min(tensorCount(shape), 65535));
    checkFree(out, split, force);
    const stop = new AbortController();
    const onSignal = (): void => {
      stop.abort();
    };
    process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
    const progress = progressReporter();
    try {
      const request = { out, shape, type, seed, split, onProgress: progress.update, signal: stop.signal };
      const { paths } = await generateModel(request);
      progress.end();
      process.stdout.write(paths.map((path) => `${path}\n`).join(''));
    } catch (error) {
      progress.end();
      throw error;
    } finally {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    }
  },
};
