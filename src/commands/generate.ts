/** `weighbridge generate`: continues a text, to see that a loaded model says what it should. */
import { setImmediate } from 'node:timers/promises';
import type { CommandModule } from 'yargs';
import { Interrupted, UsageError } from '../failure.js';
import { native, type ModelSession } from '../native.js';
import { greedy, sampler, type Choose } from '../text/sampling.js';
import { StreamDecoder } from '../text/stream-decoder.js';
import { openTokenizer, type Tokenizer } from '../text/tokenizer.js';
import { tell } from '../wrap.js';
import { batch, openModel, sessionOptions, wholeNumber, type SessionArguments } from './session-options.js';

interface GenerateArguments extends SessionArguments {
  readonly prompt: string;
  readonly count: number;
  readonly temperature: number;
  readonly seed: number;
}

const mostTokens = 1_000_000;

function chooser({ temperature, seed }: GenerateArguments): Choose {
  if (!(temperature >= 0 && temperature <= 100)) throw new UsageError('--temperature must be a number from 0 to 100');
  wholeNumber('--seed', seed, 0, 0x7fffffff);
  return temperature === 0 ? greedy : sampler(temperature, seed);
}

function checkFits(prompt: readonly number[], contextTrained: number): void {
  if (prompt.length === 0) throw new UsageError('--prompt is empty, and the model has no token that begins a text');
  if (prompt.length <= contextTrained) return;
  throw new UsageError(
    `--prompt is ${prompt.length} tokens long; the model's context holds ${contextTrained}: shorten the prompt`,
  );
}

/** Feeds the prompt in steps between which the event loop gets its turn. Returns the logits after the last token. */
async function prefill(session: ModelSession, prompt: readonly number[], stop: AbortSignal): Promise<Float32Array> {
  let logits: Float32Array = new Float32Array();
  for (let position = 0; position < prompt.length && !stop.aborted; position += batch) {
    logits = session.forward(prompt.slice(position, position + batch), position, 1);
    await setImmediate();
  }
  return logits;
}

interface Progress {
  /** performance.now() of the first chosen token. */
  firstAt: number;
  /** Tokens chosen. */
  count: number;
}

async function decode(
  session: ModelSession,
  prompt: readonly number[],
  { tokenizer, choose, count, stop }: { tokenizer: Tokenizer; choose: Choose; count: number; stop: AbortSignal },
): Promise<Progress> {
  const decoder = new StreamDecoder(tokenizer);
  process.stdout.write(prompt.map((id) => decoder.push(id)).join(''));
  let logits = await prefill(session, prompt, stop);
  const progress: Progress = { firstAt: performance.now(), count: 0 };
  while (progress.count < count && !stop.aborted) {
    const id = choose(logits);
    if (progress.count === 0) progress.firstAt = performance.now();
    progress.count += 1;
    if (tokenizer.ends.has(id)) break;
    process.stdout.write(decoder.push(id));
    await setImmediate();
    if (progress.count < count) logits = session.forward([id], prompt.length + progress.count - 1, 1);
  }
  process.stdout.write(`${decoder.end()}\n`);
  return progress;
}

function report({ firstAt, count }: Progress, startedAt: number, endedAt: number, session: ModelSession): string {
  const milliseconds = (from: number, to: number): string => `${(to - from).toFixed(1)} ms`;
  const speed = count > 1 ? `${(((count - 1) * 1000) / (endedAt - firstAt)).toFixed(1)} tokens/s after it` : null;
  return [
    `time to first token ${milliseconds(startedAt, firstAt)} (load ${(session.loadNs / 1e6).toFixed(1)} ms)`,
    `${count} token${count === 1 ? '' : 's'}`,
    speed,
    session.isa,
  ]
    .filter((part) => part !== null)
    .join(', ');
}

export const generateCommand: CommandModule<object, GenerateArguments> = {
  command: 'generate <model>',
  describe: 'Continue a text with the model',
  builder: (parser) =>
    sessionOptions(parser)
      .option('prompt', { alias: 'p', type: 'string', default: '', requiresArg: true, describe: 'text to continue' })
      .option('count', { alias: 'n', type: 'number', default: 64, requiresArg: true, describe: 'most tokens to add' })
      .option('temperature', { type: 'number', default: 0, requiresArg: true, describe: '0 takes the likeliest token' })
      .option('seed', { type: 'number', default: 1, requiresArg: true, describe: 'of the draws of --temperature' })
      .example('$0 generate model.gguf -p "Once upon a time" -n 64', 'the likeliest continuation')
      .example('$0 generate model.gguf -p "Once" --temperature 0.8 --seed 7', 'another one, the same each time'),
  handler: async (argv) => {
    const choose = chooser(argv);
    const count = wholeNumber('-n', argv.count, 1, mostTokens);
    const tokenizer = await openTokenizer(native().inspect(argv.model, { arrays: true, digest: false }));
    const prompt = tokenizer.encode(argv.prompt);
    const stop = new AbortController();
    const onSignal = (): void => {
      stop.abort();
    };
    process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
    try {
      const startedAt = performance.now();
      let room = 0;
      const session = await openModel(argv, ({ contextTrained }) => {
        checkFits(prompt, contextTrained);
        room = Math.min(count, contextTrained - prompt.length + 1);
        return Math.min(contextTrained, prompt.length + count);
      });
      try {
        const progress = await decode(session, prompt, { tokenizer, choose, count: room, stop: stop.signal });
        tell(process.stderr, report(progress, startedAt, performance.now(), session));
        if (stop.signal.aborted) throw new Interrupted('interrupted');
        if (room < count && progress.count === room) {
          tell(process.stderr, `stopped: the model's context of ${session.shape.contextTrained} tokens is full`);
        }
      } finally {
        session.close();
      }
    } finally {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    }
  },
};
