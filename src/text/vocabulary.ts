/**
 * The tokens of a model and which of them are special, by its metadata and, since converters leave much of that out,
 * by the texts that llama.cpp goes by as well.
 */
import type { TokenizerMetadata } from './tokenizer-metadata.js';

/** Token types as llama.cpp numbers them (`llama_token_type`). */
export const tokenType = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** What holds where the metadata does not say. */
export interface VocabularyDefaults {
  readonly bos: number | null;
  readonly eos: number | null;
  readonly unknown: number | null;
  readonly addBos: boolean;
}

/** Tokens that end an answer and are control tokens, whatever the metadata says of them. */
const endTexts = [
  ...['</s>', '<|eot_id|>', '<|im_end|>', '<|end|>', '<|endoftext|>', '<|end_of_text|>', '<|eom_id|>'],
  ...['<|return|>', '<|call|>', '<|calls|>', '<|flush|>', '<end_of_turn>', '<end_of_utterance>', '<turn|>', '<eos>'],
  ...['<EOT>', '_<EOT>', '[EOT]', '[EOS]', '<｜end▁of▁sentence｜>', '<|tool_response>', '[e~['],
];

/** Vocabularies of OpenAI's "harmony" format, in which `<|end|>` ends a message and not the answer. */
const harmonies = [
  ['<|return|>', '<|call|>'],
  ['<|return|>', '<|calls|>'],
  ['<|call|>', '<|flush|>'],
  ['<|calls|>', '<|flush|>'],
];

/** Tokens of fill-in-the-middle: named by metadata, or else the first of these texts. They are control tokens. */
const fillInMiddle: readonly { readonly keys: readonly string[]; readonly texts: string; readonly ends: boolean }[] = [
  {
    keys: ['fim_pre_token_id', 'prefix_token_id'],
    texts: '<|fim_prefix|> <fim-prefix> <fim_prefix> <｜fim▁begin｜> <PRE> ▁<PRE> <|code_prefix|> <|prefix|>',
    ends: false,
  },
  {
    keys: ['fim_suf_token_id', 'suffix_token_id'],
    texts: '<|fim_suffix|> <fim-suffix> <fim_suffix> <｜fim▁hole｜> <SUF> ▁<SUF> <|code_suffix|> <|suffix|>',
    ends: false,
  },
  {
    keys: ['fim_mid_token_id', 'middle_token_id'],
    texts: '<|fim_middle|> <fim-middle> <fim_middle> <｜fim▁end｜> <MID> ▁<MID> <|code_middle|> <|middle|>',
    ends: false,
  },
  { keys: ['fim_pad_token_id'], texts: '<|fim_pad|> <fim-pad> <fim_pad> <PAD> [PAD]', ends: true },
  {
    keys: ['fim_rep_token_id'],
    texts: '<|fim_repo|> <|repo_name|> <fim-repo> <REPO> <reponame>',
    ends: true,
  },
  { keys: ['fim_sep_token_id'], texts: '<|file_sep|>', ends: true },
];

export class Vocabulary {
  readonly size: number;
  /** By id, as the file spells them; `[EMPTY_id]` for those that are empty. */
  readonly texts: readonly string[];
  readonly ids: ReadonlyMap<string, number>;
  readonly bos: number | null;
  readonly eos: number | null;
  readonly unknown: number | null;
  readonly addBos: boolean;
  readonly addEos: boolean;
  /** Tokens that end a text. */
  readonly ends: ReadonlySet<number>;
  readonly #types: readonly number[];

  constructor(read: TokenizerMetadata, defaults: VocabularyDefaults) {
    this.texts = read.strings('tokens').map((text, id) => (text === '' ? `[EMPTY_${id}]` : text));
    this.size = this.texts.length;
    this.ids = numbered(read, this.texts);
    const idNamed = (name: string, otherwise: number | null): number | null => read.tokenId(name, otherwise, this.size);
    this.bos = idNamed('bos_token_id', defaults.bos);
    this.eos = idNamed('eos_token_id', defaults.eos);
    this.unknown = idNamed('unknown_token_id', defaults.unknown);
    this.addBos = read.flag('add_bos_token', defaults.addBos);
    this.addEos = read.flag('add_eos_token', false);

    const types = read.numbers('token_type', this.size, tokenType.normal);
    const ends = new Set<number>();
    const end = (id: number | null | undefined): void => {
      if (id !== null && id !== undefined) ends.add(id);
    };
    for (const text of endTexts) {
      const id = this.ids.get(text);
      if (id !== undefined) types[id] = tokenType.control;
      end(id);
    }
    for (const { keys, texts, ends: endsText } of fillInMiddle) {
      const named = keys.map((key) => idNamed(key, null)).findLast((id) => id !== null);
      const spelled = texts.split(' ').find((text) => this.ids.has(text));
      const id = named ?? (spelled === undefined ? undefined : this.ids.get(spelled));
      if (id !== undefined && named === undefined) types[id] = tokenType.control;
      if (endsText) end(id);
    }
    for (const id of [this.eos, idNamed('eot_token_id', null), idNamed('eom_token_id', null)]) end(id);
    const message = this.ids.get('<|end|>');
    if (message !== undefined && harmonies.some((texts) => texts.every((text) => this.ids.has(text)))) {
      ends.delete(message);
      types[message] = tokenType.userDefined;
    }
    this.ends = ends;
    this.#types = types;
  }

  type(id: number): number {
    return this.#types[id] ?? tokenType.unused;
  }

  /** Control and unknown tokens: they direct the model and stand for no text. */
  isControl(id: number): boolean {
    return this.type(id) === tokenType.control || this.type(id) === tokenType.unknown;
  }
}

/** Ids by text. llama.cpp refuses a vocabulary in which two tokens are the same. */
function numbered(read: TokenizerMetadata, texts: readonly string[]): ReadonlyMap<string, number> {
  const ids = new Map<string, number>();
  texts.forEach((text, id) => ids.set(text, id));
  if (ids.size === texts.length) return ids;
  const first = texts.findIndex((text, id) => ids.get(text) !== id);
  const text = texts[first] ?? '';
  throw read.malformed('tokens', `has ${JSON.stringify(text)} twice, as ${first} and ${ids.get(text) ?? first}`);
}
