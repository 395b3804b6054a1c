/** Conversions of `tekken.json` that transformers wrote before version 5, whose pattern for words is another vendor's. */
import { alphabetOfBytes } from './byte-alphabet.ts'
import { wordSplit } from './gguf-splits.ts'

export const REPAIR_NOTE =
  "tokenizer.json: its pattern for words is Llama 3's, which transformers before 5 wrote into conversions of Mistral's " +
  'tokenizer; the pattern that the model was trained with is used instead'

/** The pre-tokenizer with the right pattern; undefined when nothing is wrong with it, or the vocabulary is not Mistral's. */
export function repairedPreTokenizer(preTokenizer: unknown, vocab: ReadonlyMap<string, number>): object | undefined {
  const { pretokenizers: steps } = (preTokenizer ?? {}) as { pretokenizers?: unknown }
  if (!Array.isArray(steps)) return undefined
  const at = steps.findIndex((step) => patternOf(step) === patternNamed('llama3'))
  if (at < 0 || !hasTekkenOrder(vocab)) return undefined
  const right = steps.map((step: object, i) =>
    i === at ? { ...step, pattern: { Regex: patternNamed('tekken') } } : step,
  )
  return { ...(preTokenizer as object), pretokenizers: right }
}

function patternOf(step: { type?: unknown; pattern?: { Regex?: unknown } | null } | null): unknown {
  return step?.type === 'Split' ? step.pattern?.Regex : undefined
}

function patternNamed(name: string): string | undefined {
  return wordSplit(name)?.regexes[0]
}

/** Tekken has the 256 bytes in their own order, after its special tokens; vocabularies like GPT-2's begin with `!`. */
function hasTekkenOrder(vocab: ReadonlyMap<string, number>): boolean {
  const first = vocab.get(alphabetOfBytes('\0'))
  if (first === undefined) return false
  for (let byte = 0; byte < 256; byte++) {
    if (vocab.get(alphabetOfBytes(String.fromCharCode(byte))) !== first + byte) return false
  }
  return true
}
