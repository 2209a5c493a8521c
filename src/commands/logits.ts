/** `weighbridge logits`: what the kernel computes for given tokens, to compare with other programs. */
import type { CommandModule } from 'yargs';
import { UsageError } from '../failure.js';
import { batch, openModel, sessionOptions, type SessionArguments } from './session-options.js';

interface LogitsArguments extends SessionArguments {
  readonly tokens: string;
  readonly json: boolean;
}

/** Enough to tell any two 32-bit floats apart. */
const significantDigits = 9;
/** Shown of each position where no JSON is asked for. */
const shown = 5;

function parseTokens(text: string): number[] {
  return text.split(',').map((word) => {
    const id = Number(word);
    if (!/^\s*\d+\s*$/.test(word) || id > 0x7fffffff) {
      throw new UsageError(`--tokens wants token ids separated by commas, such as 1,2,3; not ${JSON.stringify(word)}`);
    }
    return id;
  });
}

function summarize(position: number, token: number, row: Float32Array): string {
  const order = Array.from(row, (logit, id) => ({ logit, id })).sort((a, b) => b.logit - a.logit || a.id - b.id);
  const best = order.slice(0, shown).map(({ logit, id }) => `${id} (${logit.toFixed(3)})`);
  return `position ${position}, token ${token}: ${best.join('  ')}\n`;
}

export const logitsCommand: CommandModule<object, LogitsArguments> = {
  command: 'logits <model>',
  describe: 'Print the logits of every position of a token sequence',
  builder: (parser) =>
    sessionOptions(parser)
      .option('tokens', { type: 'string', demandOption: true, requiresArg: true, describe: 'token ids, as 1,2,3' })
      .option('json', { type: 'boolean', default: false, describe: 'print {tokens, n_vocab, logits: [[…], …]}' })
      .example('$0 logits model.gguf --tokens 1,403,407', 'the likeliest next tokens of each position')
      .example('$0 logits model.gguf --tokens 1 --isa scalar --json', 'all logits by the reference code'),
  handler: async (argv) => {
    const tokens = parseTokens(argv.tokens);
    const session = await openModel(argv, ({ vocabulary }) => {
      const outside = tokens.find((token) => token >= vocabulary);
      if (outside === undefined) return tokens.length;
      throw new UsageError(`--tokens: ${outside} is outside of the model's vocabulary of ${vocabulary} tokens`);
    });
    try {
      const { vocabulary } = session.shape;
      const write = (text: string): boolean => process.stdout.write(text);
      if (argv.json) write(`{"tokens":${JSON.stringify(tokens)},"n_vocab":${vocabulary},"logits":[`);
      for (let position = 0; position < tokens.length; position += batch) {
        const fed = tokens.slice(position, position + batch);
        const logits = session.forward(fed, position, fed.length);
        fed.forEach((token, i) => {
          const row = logits.subarray(i * vocabulary, (i + 1) * vocabulary);
          if (argv.json) {
            const numbers = Array.from(row, (logit) => Number(logit.toPrecision(significantDigits)));
            write(`${position + i === 0 ? '' : ',\n'}${JSON.stringify(numbers)}`);
          } else {
            write(summarize(position + i, token, row));
          }
        });
      }
      if (argv.json) write(']}\n');
    } finally {
      session.close();
    }
  },
};
