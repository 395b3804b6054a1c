/** How byte-level vocabularies in GGUFs split text into words: the names that `tokenizer.ggml.pre` has in llama.cpp. */

/** The rules that one name of `tokenizer.ggml.pre` stands for. */
export interface WordSplit {
  /** Regular expressions that are applied one after the other, each to the parts that the one before has left. */
  readonly regexes: readonly string[]
  /** A word that is a token itself is taken as it is, whatever the merges would make of it. */
  readonly ignoreMerges: boolean
  /** BOS stands before each text, unless the file says otherwise. */
  readonly addsBos: boolean
  /** The default for a missing BOS does not count. */
  readonly noBos: boolean
}

const CONTRACTIONS = "'s|'t|'re|'ve|'m|'ll|'d"
const ANY_CASE = `(?i:${CONTRACTIONS})`
const SPACES = '\\s+(?!\\S)|\\s+'
const GPT2 = `${CONTRACTIONS}| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|${SPACES}`

/** GPT-4's pattern in Llama 3's form, for a kind of number; `begin` is what comes before words. */
const words = (numbers: string, begin = `${ANY_CASE}|`) =>
  `${begin}[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${numbers}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|${SPACES}`

const UPPER = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]'
const LOWER = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]'

/** GPT-4o's pattern, which cuts words where small letters end and capital ones begin. */
const casedWords = (numbers: string, end = '', upper = UPPER, lower = LOWER) =>
  `[^\\r\\n\\p{L}\\p{N}]?${upper}*${lower}+${end}|[^\\r\\n\\p{L}\\p{N}]?${upper}+${lower}*${end}|` +
  `${numbers}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|${SPACES}`

/** DeepSeek V3's pattern: an ASCII sign belongs to the letters after it. */
const signedWords = (begin: string, signs: string) =>
  `[!"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_\`{|}~][A-Za-z]+|${begin}?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+${signs}|${SPACES}`

const LINES = '[\\r\\n]*|\\s*[\\r\\n]+'
const THREES = '\\p{N}{1,3}'
const HAN_AND_KANA = '[一-龥぀-ゟ゠-ヿ]+'
const HAN_AND_HANGUL = '[一-龥ࠀ-一가-퟿]+'
/** Numbers in groups of three, counted from their end; what stands before a number stays with its first group. */
const GROUPS = '\\P{N}*\\p{N}{1,3}(?=(?:\\p{N}{3})*(?!\\p{N}))'
/** Letters that have a case, as Unicode 12 knew them. */
const CASED = '(?:(?![\\x{1D400}-\\x{1D7FF}])[\\p{Lu}\\p{Ll}\\p{Lt}])+'
const BLOOM = ' ?[^(\\s|.,!?…。，、।۔،)]+'
const LINE_RUNS = '[^\\n]+|[\\n]+'
const AFMOE_SCRIPTS =
  '[一-鿿㐀-䶿豈-\\x{FAFF}぀-ゟ゠-ヿ･-ﾟ⼀-\\x{2FDF}\\x{E00}-\\x{E7F}\\x{E80}-\\x{EFF}ក-\\x{17FF}\\x{1000}-\\x{109F}' +
  'ꩠ-ꩿ\\x{A9E0}-\\x{A9FF}가-\\x{D7AF}ᄀ-ᇿ]+'
const YOUTU_SCRIPTS = '[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+'

const BOS_AND_WHOLE_WORDS = { addsBos: true, ignoreMerges: true }

/** Names that stand for one rule, the rule, and what else they decide. */
const TABLE: readonly (readonly [names: string, regexes: readonly string[], flags?: Partial<WordSplit>])[] = [
  ['tekken', [casedWords('\\p{N}')], BOS_AND_WHOLE_WORDS],
  [
    'llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano',
    [words(THREES)],
    BOS_AND_WHOLE_WORDS,
  ],
  ['smaug-bpe dbrx', [words(THREES)]],
  ['glm4 chatglm-bpe', [words(THREES)], { noBos: true }],
  ['default', ['[\\p{P}$+<=>^~|]+', GPT2, '\\p{N}+', '[0-9][0-9][0-9]']],
  [
    'gpt-2 phi-2 jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code roberta-bpe gigachat a.x-4.0 mellum ' +
      'modern-bert exaone4 mpt olmo jais trillion granite-docling',
    [GPT2],
  ],
  ['starcoder refact command-r smollm codeshell exaone minerva-7b mellum2', ['\\p{N}', GPT2]],
  ['qwen2 deepseek-r1-qwen kormo f2llmv2 megrez stablelm2 hunyuan solar-open grok-2', [words('\\p{N}')]],
  ['ufakzeka', [words('\\p{N}', '')]],
  ['laguna', [LINE_RUNS, words('\\p{N}')]],
  ['minicpm5', [THREES, words('\\p{N}+')], { ignoreMerges: true }],
  [
    'qwen35',
    [
      `${ANY_CASE}|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|${SPACES}`,
    ],
  ],
  [
    'exaone-moe',
    [
      `${ANY_CASE}|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|` +
        `\\s*[\\r\\n]|${SPACES}`,
    ],
  ],
  [
    'seed-coder',
    [`${ANY_CASE}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|\\s*[\\r\\n]+|${SPACES}`],
  ],
  [
    'bailingmoe bailingmoe2 llada-moe',
    [
      `'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]|${SPACES}`,
    ],
  ],
  [
    'jais-2',
    [
      words(THREES).replace(
        SPACES,
        '\\s{512}(?!\\S)|\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)|\\s{32}(?!\\S)|\\s{16}(?!\\S)|\\s{8}(?!\\S)|' +
          '\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s',
      ),
    ],
  ],
  ['gpt-4o llama4 kanana2 talkie minimax-m2', [casedWords(THREES, `${ANY_CASE}?`)]],
  ['tiny_aya cohere2moe', [GROUPS, casedWords(THREES, `${ANY_CASE}?`)]],
  ['youtu', [YOUTU_SCRIPTS, casedWords('\\p{N}', `${ANY_CASE}?`)], { ignoreMerges: true }],
  [
    'granite-embed-multi-97m',
    [casedWords(THREES, `${ANY_CASE}?`, '(?:(?=[\\p{L}\\p{M}])[^a-z])', '(?:(?=[\\p{L}\\p{M}])[^A-Z])')],
    { ignoreMerges: true },
  ],
  [
    'deepseek-llm',
    ['[\\r\\n]', `\\s?${CASED}`, '\\s?[!-/:-~！-／：-～‘-‟\\x{3000}-。]+', '\\s+$', HAN_AND_HANGUL, '\\p{N}+'],
  ],
  ['deepseek-coder', ['[\\r\\n]', '\\s?\\p{L}+', '\\s?\\p{P}+', HAN_AND_HANGUL, '\\p{N}']],
  [
    'deepseek-v3 hunyuan-dense joyai-llm hy_v4',
    [THREES, HAN_AND_KANA, signedWords('[^\\r\\n\\p{L}\\p{P}\\p{S}]', LINES)],
  ],
  ['spark2_5', [THREES, HAN_AND_KANA, signedWords('[^\\r\\n\\p{L}\\p{P}\\p{S}]', '|[\\r\\n]'), '\\p{N}']],
  ['afmoe', [GROUPS, AFMOE_SCRIPTS, signedWords('[^\\r\\n\\p{L}\\p{P}\\p{S}]', LINES)]],
  ['falcon', ['[\\p{P}$+<=>^~|`]+', GPT2, '[0-9][0-9][0-9]']],
  ['poro-chat bloom gpt3-finnish', [BLOOM]],
  ['viking', [BLOOM, '\\p{N}']],
  ['superbpe', ['\\p{N}+', '(?=(\\d{3})+(?!\\d))']],
  [
    'chameleon',
    [
      '<sentinel:[0-9]+>',
      '(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z',
      '([\\t\\n]|    |  )',
      '\\p{N}',
      '[\\p{P}!-/:-@\\[-`{-~]',
      GPT2,
    ],
    { addsBos: true },
  ],
]

const SPLITS: ReadonlyMap<string, WordSplit> = new Map(
  TABLE.flatMap(([names, regexes, flags]) =>
    names
      .split(' ')
      .map((name): [string, WordSplit] => [
        name,
        { regexes, ignoreMerges: false, addsBos: false, noBos: false, ...flags },
      ]),
  ),
)

/** The rules of a name; undefined when there are none, or none that byte-level merges by words can follow. */
export function wordSplit(name: string): WordSplit | undefined {
  return SPLITS.get(name)
}

/** The first name that stands for these rules; undefined when none does. */
export function splitName(regexes: readonly string[], ignoreMerges: boolean): string | undefined {
  const same = (split: WordSplit) =>
    split.ignoreMerges === ignoreMerges &&
    split.regexes.length === regexes.length &&
    split.regexes.every((regex, i) => regex === regexes[i])
  return [...SPLITS].find(([, split]) => same(split))?.[0]
}
