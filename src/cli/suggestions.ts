/**
 * Suggests what a person most likely meant by an option that does not exist: a typing error, or the name it has
 * elsewhere.
 */
import { closestName } from '../closest-name.ts'

/** Names of llama.cpp, Ollama, vLLM, MLX and transformers, and the options that do the same here, best first. */
const MEANINGS: Readonly<Record<string, readonly string[]>> = {
  'ctx-size': ['--context-length', '--contexts'],
  ctx: ['--context-length', '--contexts'],
  'n-ctx': ['--context-length', '--contexts'],
  'num-ctx': ['--context-length', '--contexts'],
  'max-model-len': ['--context-length'],
  'max-seq-len': ['--context-length'],
  'max-kv-size': ['--context-length'],
  context: ['--context-length', '--contexts'],
  'n-predict': ['--max-tokens', '--tokens'],
  predict: ['--max-tokens', '--tokens'],
  'num-predict': ['--max-tokens', '--tokens'],
  length: ['--max-tokens', '--tokens'],
  'max-length': ['--max-tokens', '--tokens'],
  'repeat-penalty': ['--repetition-penalty'],
  'repeat-last-n': ['--repetition-penalty'],
  typical: ['--typical-p'],
  greedy: ['--no-sample'],
  deterministic: ['--no-sample'],
  'stop-sequence': ['--stop'],
  'stop-words': ['--stop'],
  'reverse-prompt': ['--stop'],
  grammar: ['--params'],
  'draft-max': ['--prompt-lookup-num-tokens'],
  template: ['--chat-template'],
  'chat-template-file': ['--chat-template'],
  jinja: ['--chat-template'],
  'system-prompt': ['--system'],
  sys: ['--system'],
  instruction: ['--system'],
  message: ['--prompt'],
  text: ['--prompt'],
  input: ['--prompt'],
  file: ['--prompt'],
  'no-chat-template': ['--raw'],
  'no-cnv': ['--raw'],
  complete: ['--raw'],
  'model-path': ['--model'],
  'model-url': ['--model'],
  'model-dir': ['--model'],
  mu: ['--model'],
  hf: ['--model'],
  'hf-repo': ['--model'],
  'hf-file': ['--model'],
  gguf: ['--model'],
  path: ['--model'],
  quant: ['--weights'],
  quantize: ['--weights'],
  quantization: ['--weights'],
  dtype: ['--weights'],
  bits: ['--weights'],
  'load-in-4bit': ['--weights'],
  'load-in-8bit': ['--weights'],
  'cache-type-k': ['--kv-cache'],
  'cache-type-v': ['--kv-cache'],
  'kv-cache-dtype': ['--kv-cache'],
  'kv-bits': ['--kv-cache'],
  ctk: ['--kv-cache'],
  ctv: ['--kv-cache'],
  parallel: ['--max-sequences'],
  np: ['--max-sequences'],
  'max-num-seqs': ['--max-sequences'],
  'max-batch-size': ['--max-sequences'],
  listen: ['--host'],
  bind: ['--host'],
  address: ['--host'],
  'served-model-name': ['--name'],
  alias: ['--name'],
  'allowed-origins': ['--cors'],
  origin: ['--cors'],
  key: ['--api-key'],
  timings: ['--stats'],
  perf: ['--stats'],
  'output-format': ['--json'],
  format: ['--json'],
}

/** Options of other programs that are not needed here. */
const NEEDLESS: readonly (readonly [names: readonly string[], why: string])[] = [
  [
    ['n-gpu-layers', 'gpu-layers', 'ngl', 'main-gpu', 'tensor-split', 'split-mode', 'device', 'gpu', 'cuda', 'cpu'],
    'the whole model always runs on the GPU that "doctor" shows',
  ],
  [
    ['threads', 'threads-batch', 't', 'tb', 'batch-size', 'b', 'ubatch-size', 'ub', 'numa'],
    'the GPU computes, and chooses its batches by itself',
  ],
  [['flash-attn', 'fa', 'attn-implementation'], 'attention never stores its scores; there is nothing to choose'],
  [['mlock', 'no-mmap', 'mmap', 'warmup', 'no-warmup'], 'weights are read straight to the GPU'],
  [['color', 'colour', 'no-color'], 'colours follow the terminal, and NO_COLOR=1 takes them away'],
  [['v', 'debug', 'log-verbosity'], 'DEBUG=1 in the environment shows where an error comes from'],
  [['stream', 'no-stream'], 'text streams as it comes, and --json gives the whole at the end'],
  [['interactive', 'i', 'conversation', 'cnv', 'instruct', 'multiturn'], 'the command "chat" is a conversation'],
]

/**
 * @param flag as it was typed, with its dashes and perhaps `=value`
 * @param known the command's listed options, with their dashes
 * @param unlisted names that it takes, too: a typing error is looked for among these as well
 * @returns a sentence, or undefined when nothing comes to mind
 */
export function suggestionFor(
  flag: string,
  known: readonly string[],
  unlisted: readonly string[] = [],
): string | undefined {
  const name = flag.replace(/=.*$/s, '').replace(/^-+/, '').replaceAll('_', '-').toLowerCase()
  const same = [`--${name}`, ...(Object.hasOwn(MEANINGS, name) ? MEANINGS[name]! : [])].find((one) =>
    known.includes(one),
  )
  if (same !== undefined) return `Did you mean ${same}?`
  const needless = NEEDLESS.find(([names]) => names.includes(name))
  if (needless !== undefined) return `Leave it out: ${needless[1]}.`
  const nearest = closestName(`--${name}`, [...known, ...unlisted])
  return nearest === undefined ? undefined : `Did you mean ${nearest}?`
}

/** llama.cpp's options of several letters behind one dash, which are read here as several options. */
const LETTERS = /^-(?:ngl|sys|fa|ctk|ctv|hf|mu|cnv|st|tb|ub|np|nkvo|no-cnv)$/

/** Messages about options of other programs that were understood as something else. */
export function lettersAdvice(argv: readonly string[], known: readonly string[]): string | undefined {
  const found = argv.find((argument) => LETTERS.test(argument))
  const suggestion = found === undefined ? undefined : suggestionFor(found, known)
  return suggestion === undefined ? undefined : `There is no ${found}. ${suggestion}`
}
