/**
 * How texts are cut into words before byte pairs are merged, by the names that GGUF files give (`tokenizer.ggml.pre`).
 * The rules are those of the models' own tokenizers as llama.cpp 0.5.0 reads them: each cuts what the one before left,
 * into its matches and what lies between.
 */

export interface PreTokenizer {
  readonly split: (text: string) => string[];
  /** Whether a word that is a token stays whole, whatever the merges make of it. */
  readonly ignoresMerges: boolean;
  readonly addsBos: boolean;
  /** The token that begins a text, where the metadata names none. */
  readonly bos: number | null;
}

/** A character class from hexadecimal code points and ranges of them. */
const characters = (ranges: string): string => ranges.replace(/[0-9a-f]+/g, '\\u{$&}').replaceAll(' ', '');

/** Unicode's White_Space, which JavaScript's \s is not: that lacks U+0085 and has U+FEFF. */
const whiteSpace = characters('9-d 20 85 a0 1680 2000-200a 2028-2029 202f 205f 3000');

/**
 * What Unicode 16 and 17 added. llama.cpp's tables are those of 15.1: for it these belong to no category. Node's tables
 * depend on its version, and the tokens of a text should not.
 */
const addedLater = new RegExp(
  `[${characters(
    [
      '88f 897 c5c cdc 1acf-1aeb 1b4e-1b4f 1b7f 1c89-1c8a 20c1 2427-2429 2b96 31e4-31e5 a7cb-a7cf a7d2 a7d4',
      'a7da-a7f1 fbc3-fbd2 fd90-fd91 fdc8-fdce 105c0-105f3 10940-10959 10d40-10d8f 10ec2-10efc 11380-113e2',
      '116d0-116e3 11b60-11bf9 11db0-11de9 11f5a 13460-143fa 16100-16139 16d40-16d79 16ea0-16ed3 16ff2-16ff6',
      '187f8-187ff 18cff 18d09-18df2 1cc00-1cef0 1e5d0-1e6ff 1f6d8 1f777-1f77a 1f8b2-1f8d8 1fa54-1fa57',
      '1fa89-1fa8f 1fabe 1fac6-1facd 1fadc-1fadf 1fae9-1faef 1fbcb-1fbef 1fbfa 2b73a-2b73f 2cea2-2cead',
      '323b0-33479',
    ].join(' '),
  )}]`,
  'gv',
);

/** For rules that go by categories: stand-ins of none (private use) and the same length. */
const withoutLater = (text: string): string =>
  text.replace(addedLater, (character) => (character.length === 1 ? '\ue000' : '\u{f0000}'));

/** The letters of alphabets with two cases, as DeepSeek LLM lists them. */
const casedLetters = characters(
  [
    '41-5a 61-7a b5 c0-d6 d8-f6 f8-1ba 1bc-1bf 1c4-293 295-2af 370-373 376 377 37b-37d 37f 386 388-38a 38c',
    '38e-3a1 3a3-3f5 3f7-481 48a-52f 531-556 10a0-10c5 13a0-13f5 13f8-13fd 1c90-1cba 1cbd-1cbf 1d00-1d2b',
    '1d6b-1d77 1d79-1d9a 1e00-1f15 1f18-1f1d 1f20-1f45 1f48-1f4d 1f50-1f57 1f59 1f5b 1f5d 1f5f-1f7d 1f80-1fb4',
    '1fb6-1fbc 1fbe 1fc2-1fc4 1fc6-1fcc 1fd0-1fd3 1fd6-1fdb 1fe0-1fec 1ff2-1ff4 1ff6-1ffc 2102 2107 210a-2113',
    '2115 2119-211d 2124 2126 2128 212a-212d 212f-2134 2139 213c-213f 2145-2149 214e 2183 2184 2c00-2c7b',
    '2c7e-2ce4 2ceb-2cee 2cf2 2cf3 a640-a66d a680-a69b a722-a76f a771-a787 a78b-a78e ab70-abbf fb00-fb06',
    'fb13-fb17 ff21-ff3a ff41-ff5a 10400-1044f 104b0-104d3 104d8-104fb 10c80-10cb2 10cc0-10cf2 118a0-118df',
    '1e900-1e943',
  ].join(' '),
);

const contraction = "'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])";
const word = '[^\\r\\n\\p{L}\\p{N}]?\\p{L}+';
const signs = ' ?[^\\s\\p{L}\\p{N}]+';
/** Line ends with the space before them; space up to the one before a word; any other space. */
const space = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
/** Lower case cannot go before upper case within a word. Letters without case are both. */
const camelCase = (suffix: string): string =>
  ['[\\p{L}--[a-z]]*[\\p{L}--[A-Z]]+', '[\\p{L}--[a-z]]+[\\p{L}--[A-Z]]*']
    .map((letters) => `[^\\r\\n\\p{L}\\p{N}]?${letters}${suffix}`)
    .join('|');
/** Most of Asia's scripts, as DeepSeek's first models list them. llama.cpp takes white space out. */
const asian = `[[${characters('800-9fa5 ac00-d7ff')}]--\\s]`;
const asciiSigns = '!-\\/:-@\\[-`\\{-~';

const gpt2 = `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+|${signs}|\\s+(?!\\S)|\\s+`;
const llama3 = `${contraction}|${word}|\\p{N}{1,3}|${signs}[\\r\\n]*|${space}`;
const qwen2 = `${contraction}|${word}|\\p{N}|${signs}[\\r\\n]*|${space}`;
const punctuation = '[^\\(\\s\\|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c\\)]';

interface Rules {
  readonly names: string;
  readonly rules: readonly string[];
  readonly ignoresMerges?: true;
  readonly addsBos?: true;
  readonly bos?: null;
}

const table: readonly Rules[] = [
  {
    names: 'llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2',
    rules: [llama3],
    ignoresMerges: true,
    addsBos: true,
  },
  { names: 'dbrx smaug-bpe', rules: [llama3] },
  { names: 'glm4 chatglm-bpe', rules: [llama3], bos: null },
  {
    names:
      'qwen2 deepseek-r1-qwen megrez kormo f2llmv2 stablelm2 hunyuan solar-open grok-2 bailingmoe bailingmoe2 llada-moe',
    rules: [qwen2],
  },
  {
    names: 'qwen35',
    rules: [
      `${contraction}|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|${space}`,
    ],
  },
  { names: 'gpt-2 phi-2 gigachat a.x-4.0 mellum exaone4 mpt olmo jais trillion granite-docling', rules: [gpt2] },
  { names: 'starcoder refact command-r smollm codeshell exaone minerva-7b mellum2', rules: ['\\p{N}', gpt2] },
  { names: 'default', rules: ['[\\p{P}$+<=>\\^~\\|]+', gpt2, '\\p{N}+', '[0-9][0-9][0-9]'] },
  { names: 'falcon', rules: ['[\\p{P}$+<=>\\^~\\|`]+', gpt2, '[0-9][0-9][0-9]'] },
  {
    names: 'deepseek-llm',
    rules: [
      '[\\r\\n]',
      `\\s?[${casedLetters}]+`,
      `\\s?[!-\\/:-~${characters('ff01-ff0f ff1a-ff5e 2018-201f 3001-3002')}]+`,
      // The look behind only saves trying every place within a run.
      '(?<!\\s)\\s+$',
      `${asian}+`,
      '\\p{N}+',
    ],
  },
  {
    names: 'deepseek-coder',
    rules: ['[\\r\\n]', '\\s?\\p{L}+', '\\s?\\p{P}+', `${asian}+`, '\\p{N}'],
  },
  {
    names: 'deepseek-v3 hunyuan-dense joyai-llm',
    rules: [
      '\\p{N}{1,3}',
      `[${characters('4e00-9fa5 3040-30ff')}]+`,
      `[${asciiSigns}][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|${space}`,
    ],
  },
  {
    names: 'tekken',
    rules: [`${camelCase('')}|\\p{N}|${signs}[\\r\\n\\/]*|${space}`],
    ignoresMerges: true,
    addsBos: true,
  },
  {
    names: 'gpt-4o llama4 kanana2 minimax-m2',
    rules: [`${camelCase(`(?:${contraction})?`)}|\\p{N}{1,3}|${signs}[\\r\\n\\/]*|${space}`],
  },
  {
    names: 'minicpm5',
    rules: ['\\p{N}{1,3}', `${contraction}|${word}|\\p{N}+|${signs}[\\r\\n]*|${space}`],
    ignoresMerges: true,
  },
  { names: 'seed-coder', rules: [`${contraction}|${word}|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|${space}`] },
  { names: 'poro-chat bloom gpt3-finnish', rules: [` ?${punctuation}+`] },
  { names: 'viking', rules: [` ?${punctuation}+`, '\\p{N}'] },
];

/** The matches of `rule` and what lies between them. */
function cut(text: string, rule: RegExp): string[] {
  const words: string[] = [];
  let end = 0;
  const seen = rule.source.includes('\\p{') ? withoutLater(text) : text;
  for (const { 0: match, index } of seen.matchAll(rule)) {
    if (index > end) words.push(text.slice(end, index));
    end = index + match.length;
    words.push(text.slice(index, end));
  }
  if (end < text.length) words.push(text.slice(end));
  return words;
}

/** undefined where the name is not known. */
export function preTokenizer(name: string): PreTokenizer | undefined {
  const found = table.find(({ names }) => names.split(' ').includes(name));
  if (found === undefined) return undefined;
  const rules = found.rules.map((rule) => {
    const source = rule.replaceAll('\\s', `[${whiteSpace}]`).replaceAll('\\S', `[^${whiteSpace}]`);
    return new RegExp(source, 'gv');
  });
  return {
    split: (text) => rules.reduce<string[]>((words, rule) => words.flatMap((part) => cut(part, rule)), [text]),
    ignoresMerges: found.ignoresMerges ?? false,
    addsBos: found.addsBos ?? false,
    bos: found.bos === null ? null : 11,
  };
}
