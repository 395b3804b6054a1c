/** Ways to split text into words before byte-level BPE, against Hugging Face `tokenizers`. */
import { expect, it } from 'vitest'
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { fixture } from './support.ts'

interface Case {
  readonly name: string
  readonly preTokenizer: object
  readonly ids: number[][]
}

const base = fixture<object>('byte-level.tokenizer.json.gz')
const { texts, cases } = fixture<{ texts: string[]; cases: Case[] }>('word-steps.json.gz')

it.each(cases)('$name', async ({ preTokenizer, ids }) => {
  const tokenizer = await Tokenizer.fromJson({ ...base, pre_tokenizer: preTokenizer })
  expect(texts.map((text) => tokenizer.encode(text))).toEqual(ids)
})

it.each(['MergedWithPrevious', 'MergedWithNext', 'Contiguous', undefined])('%s is refused', async (behavior) => {
  const step = { type: 'Split', pattern: { Regex: '\\s+' }, behavior, invert: false }
  const json = { ...base, pre_tokenizer: { type: 'Sequence', pretokenizers: [step, { type: 'ByteLevel' }] } }
  await expect(async () => Tokenizer.fromJson(json)).rejects.toThrow(
    /^tokenizer\.json: a pre_tokenizer Split with the behavior .* is not supported/,
  )
})
