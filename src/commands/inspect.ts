/** `weighbridge inspect`: what a model file says about itself, and what the kernel would allocate for it. */
import { availableParallelism } from 'node:os';
import type { CommandModule } from 'yargs';
import { describe, failWith, printable, reasonOf } from '../failure.js';
import { native, type KernelPlan, type MetadataValue, type ModelInfo, type ModelTensor } from '../native.js';
import { counted } from '../report/format.js';
import type { Reason } from '../samples/record.js';
import { wrap } from '../wrap.js';
import { batch, wholeNumber } from './session-options.js';

interface InspectArguments {
  readonly model: string;
  readonly json: boolean;
  readonly context: number | undefined;
}

type Kernel =
  | ({ readonly supported: true; readonly context: number; readonly threads: number } & KernelPlan)
  | { readonly supported: false; readonly reason: Reason };

interface TypeTotal {
  readonly type: string;
  readonly tensors: number;
  readonly bytes: number;
}

/** Columns of a terminal line. */
const lineWidth = 80;
/** Elements of an array that are spelled out in text. */
const shownElements = 8;
/** Positions assumed where neither --context nor the model names a smaller number. */
const usualContext = 4096;
const mostContext = 1 << 24;

function contextOf(info: ModelInfo, asked: number | undefined): number {
  if (asked !== undefined) return wholeNumber('--context', asked, 1, mostContext);
  const trained = info.metadata.find(({ key }) => key.endsWith('.context_length'))?.value;
  return typeof trained === 'number' && trained >= 1 ? Math.min(trained, usualContext) : usualContext;
}

function kernelOf(model: string, info: ModelInfo, context: number): Kernel {
  const threads = availableParallelism();
  try {
    if (info.tensors.length === 0) {
      const message = 'the file holds no tensors: it is a vocabulary alone';
      throw failWith({ code: 'missing-tensor', operation: 'inspect', path: model, message });
    }
    return { supported: true, context, threads, ...native().kernelPlan(model, { context, batch, threads }) };
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === null) throw error;
    return { supported: false, reason };
  }
}

function totalsOf(tensors: readonly ModelTensor[]): TypeTotal[] {
  const totals = new Map<string, TypeTotal>();
  for (const { type, bytes } of tensors) {
    const before = totals.get(type) ?? { type, tensors: 0, bytes: 0 };
    totals.set(type, { type, tensors: before.tensors + 1, bytes: before.bytes + bytes });
  }
  return [...totals.values()].sort((a, b) => b.bytes - a.bytes);
}

/** Cut to `width` characters, with an ellipsis in place of what is missing. */
function cut(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`;
}

function size(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return power === 0 ? `${bytes} bytes` : `${(bytes / 1000 ** power).toPrecision(4)} ${units[power] as string}`;
}

function valueText(value: MetadataValue): string {
  if (typeof value === 'number') return String(Number.isInteger(value) ? value : Number(value.toPrecision(7)));
  if (typeof value !== 'object') return printable(String(value));
  const { arrayOf, count, elements } = value;
  if (elements === null || count > shownElements) return `${count.toLocaleString('en-US')} × ${arrayOf}`;
  return `[${elements.map(valueText).join(', ')}]`;
}

/** Rows of equal columns; the first is as wide as the line allows, the others as wide as they need. */
function table(header: readonly string[], rows: readonly (readonly string[])[], left: ReadonlySet<number>): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const others = widths.slice(1).reduce((sum, width) => sum + width + 2, 0);
  const first = Math.min(widths[0] ?? 0, Math.max(12, lineWidth - 2 - others));
  return all
    .map((row) => {
      const cells = row.map((cell, column) => {
        if (column === 0) return cut(cell, first).padEnd(first);
        return left.has(column) ? cell.padEnd(widths[column] as number) : cell.padStart(widths[column] as number);
      });
      return `  ${cells.join('  ').trimEnd()}\n`;
    })
    .join('');
}

function kernelText(kernel: Kernel): string {
  if (!kernel.supported) {
    const reason = { ...kernel.reason, path: null };
    const text = `does not run this model (${reason.code}): ${describe(reason)}`;
    return `${wrap(text, lineWidth, '  ')}\n`;
  }
  const { shape, kvCacheBytes, scratchBytes, bytesNeeded, tensorBytes, context, threads } = kernel;
  const heads = shape.kvHeads === shape.heads ? `${shape.heads} heads` : `${shape.heads} heads over ${shape.kvHeads}`;
  return [
    `  ${shape.layers} layers, ${shape.width} wide, ${heads}, feed-forward ${shape.feedForward}, vocabulary ${shape.vocabulary}`,
    `  KV cache ${size(kvCacheBytes)} for ${counted(context, 'position')}, scratch ${size(scratchBytes)} with ${counted(threads, 'thread')}`,
    `  the first token reads ${size(bytesNeeded)} of ${size(tensorBytes)} of weights`,
  ]
    .map((line) => `${line}\n`)
    .join('');
}

function text(info: ModelInfo, totals: readonly TypeTotal[], kernel: Kernel): string {
  const bytes = info.parts.reduce((sum, part) => sum + part.bytes, 0);
  const tensorBytes = totals.reduce((sum, total) => sum + total.bytes, 0);
  const keyWidth = Math.min(40, Math.max(0, ...info.metadata.map(({ key }) => printable(key).length)));
  const metadata = info.metadata.map(({ key, value }) => {
    const line = `  ${cut(printable(key), keyWidth).padEnd(keyWidth)}  ${valueText(value)}`;
    return `${cut(line, lineWidth)}\n`;
  });
  const parts = info.parts.map(({ path, bytes: partBytes, dataOffset }, index) => {
    const number = info.parts.length === 1 ? '' : `part ${index + 1}: `;
    return `${printable(path)}\n  ${number}${size(partBytes)}, data from byte ${dataOffset}\n`;
  });
  const tensors = table(
    ['tensor', 'type', 'shape', 'part', 'offset', 'bytes'],
    info.tensors.map(({ name, type, shape, part, offset, bytes: tensorSize }) => [
      printable(name),
      type,
      shape.join(' × '),
      String(part + 1),
      String(offset),
      String(tensorSize),
    ]),
    new Set([1, 2]),
  );
  const byType = table(
    ['type', 'tensors', 'bytes', 'share'],
    totals.map((total) => [
      total.type,
      String(total.tensors),
      String(total.bytes),
      `${((100 * total.bytes) / tensorBytes).toFixed(1)} %`,
    ]),
    new Set(),
  );
  return [
    parts.join(''),
    `GGUF version ${info.version}, alignment ${info.alignment}, ${size(bytes)}, header ${info.headerDigest}\n`,
    `\nMetadata (${info.metadata.length})\n`,
    metadata.join(''),
    `\nTensors (${info.tensors.length})\n`,
    tensors,
    '\nSizes by type\n',
    byType,
    '\nKernel\n',
    kernelText(kernel),
  ].join('');
}

/** JSON has no integers beyond 2^53: they become strings. */
const withoutBigInts = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

export const inspectCommand: CommandModule<object, InspectArguments> = {
  command: 'inspect <model>',
  describe: 'Show metadata, tensors and sizes of a model, and what the kernel would allocate',
  builder: (parser) =>
    parser
      .positional('model', {
        type: 'string',
        demandOption: true,
        describe: 'a GGUF file, or any part of a split model',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON' })
      .option('context', {
        type: 'number',
        requiresArg: true,
        describe: 'positions of the KV cache [the trained context]',
      })
      .example('$0 inspect model.gguf', 'everything but the vocabulary')
      .example('$0 inspect model.gguf --context 512 --json', 'for programs'),
  handler: ({ model, json, context: asked }) => {
    const info = native().inspect(model, { arrays: false, digest: true });
    const context = contextOf(info, asked);
    const kernel = kernelOf(model, info, context);
    const totals = totalsOf(info.tensors);
    process.stdout.write(
      json ? `${JSON.stringify({ ...info, types: totals, kernel }, withoutBigInts, 2)}\n` : text(info, totals, kernel),
    );
  },
};
