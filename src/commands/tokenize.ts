/** `weighbridge tokenize`: the tokens of a text, to feed to logits and to compare with other programs. */
import type { CommandModule } from 'yargs';
import { printable } from '../failure.js';
import { native } from '../native.js';
import { openTokenizer } from '../text/tokenizer.js';

interface TokenizeArguments {
  readonly model: string;
  readonly prompt: string;
  readonly json: boolean;
}

/** Columns of a terminal line. */
const lineWidth = 80;

/** A token's bytes as text, or as numbers where they are only a part of a character. */
function pieceOf(bytes: Buffer): string | number[] {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return [...bytes];
  }
}

function row(id: number, width: number, piece: string | number[]): string {
  const bytes = (numbers: readonly number[]): string =>
    numbers.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
  const line = `${String(id).padStart(width)}  ${typeof piece === 'string' ? JSON.stringify(piece) : bytes(piece)}`;
  const characters = Array.from(printable(line));
  return `${characters.length <= lineWidth ? characters.join('') : `${characters.slice(0, lineWidth - 1).join('')}…`}\n`;
}

export const tokenizeCommand: CommandModule<object, TokenizeArguments> = {
  command: 'tokenize <model>',
  describe: 'Print the tokens of a text',
  builder: (parser) =>
    parser
      .positional('model', {
        type: 'string',
        demandOption: true,
        describe: 'a GGUF file, or any part of a split model',
      })
      .option('prompt', { alias: 'p', type: 'string', demandOption: true, requiresArg: true, describe: 'the text' })
      .option('json', { type: 'boolean', default: false, describe: 'print {tokens, pieces}' })
      .example('$0 tokenize model.gguf -p "Once upon a time"', 'id and text of each token')
      .example('$0 tokenize model.gguf -p "Once" --json', 'a piece that is no whole character is a list of bytes')
      .epilogue(
        'The ids are those of llama.cpp: BOS and EOS where the model asks for them, and special tokens that are spelled out in the text are those tokens.',
      ),
  handler: async ({ model, prompt, json }) => {
    const tokenizer = await openTokenizer(native().inspect(model, { arrays: true, digest: false }));
    const tokens = tokenizer.encode(prompt);
    const pieces = tokens.map((id) => pieceOf(tokenizer.piece(id)));
    if (json) {
      process.stdout.write(`${JSON.stringify({ tokens, pieces })}\n`);
      return;
    }
    const width = String(tokens.reduce((most, id) => Math.max(most, id), 0)).length;
    process.stdout.write(tokens.map((id, i) => row(id, width, pieces[i] ?? '')).join(''));
  },
};
