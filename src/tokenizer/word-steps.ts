/**
 * The pre-tokenizer of a byte-level `tokenizer.json` in the forms that `@huggingface/tokenizers` follows: it takes no notice
 * of most values of `behavior` and `invert`, and its `Digits` knows ASCII alone.
 */
import { TokenizerError } from '../errors.ts'
import { boolean, type Json, show } from './json-fields.ts'

/** @throws TokenizerError for a way to split that would come out differently, or lose text */
export function engineSteps(steps: readonly Json[]): Json[] {
  return steps.map((step) => {
    if (step.type === 'Digits') {
      const each = boolean(step.individual_digits, 'pre_tokenizer.individual_digits')
      return split({ Regex: each ? '\\p{N}' : '\\p{N}+' }, 'Isolated', false)
    }
    return step.type === 'Split' ? splitStep(step) : step
  })
}

function splitStep({ pattern, behavior, invert }: Json): Json {
  const { String: text } = (pattern ?? {}) as { String?: unknown }
  const regex = typeof text === 'string' ? { Regex: text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&') } : pattern
  // Matches and what lies between them both stay, so that it does not matter which is which.
  if (behavior === 'Isolated') return split(regex, 'Isolated', false)
  if (behavior === 'Removed') return split(regex, 'Removed', boolean(invert, 'pre_tokenizer.invert'))
  throw new TokenizerError(
    `tokenizer.json: a pre_tokenizer Split with the behavior ${show(behavior)} is not supported; Isolated and Removed are`,
  )
}

function split(pattern: unknown, behavior: string, invert: boolean): Json {
  return { type: 'Split', pattern, behavior, invert }
}
