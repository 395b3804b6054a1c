/** Ids and texts of ten thousand strings, as SentencePiece and Hugging Face tokenizers give them. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { patience } from '../support/patience.ts'
import {
  type DecodeVectors,
  type EncodeVectors,
  expectDecodes,
  expectEncodes,
  fixture,
  fixtureBytes,
  fnv1a,
} from './support.ts'

interface Vectors {
  file?: string
  encode: EncodeVectors
  decode: DecodeVectors
  /** Hash of the ids of all strings joined, cut at 100,000 characters. */
  long?: number
}

const strings = fixture<string[]>('strings.json.gz')
const joined = Array.from(strings.join('')).slice(0, 100_000).join('')

function expectVectors(tokenizer: Tokenizer, { encode, decode, long }: Vectors): void {
  expect(strings).toHaveLength(10_000)
  expectEncodes(tokenizer, strings, encode)
  expectDecodes(tokenizer, decode)
  if (long !== undefined) expect(fnv1a(tokenizer.encode(joined))).toBe(long)
}

describe('own SentencePiece models, against SentencePiece', () => {
  const vectors = fixture<Record<string, Vectors>>('own.json.gz')
  it.each(Object.keys(vectors))('%s', async (name) => {
    expectVectors(await Tokenizer.fromSentencePiece(fixtureBytes(`${name}.model`)), vectors[name] as Vectors)
  })
})

describe('tokenizer.json in the forms of Mistral repositories, against Hugging Face tokenizers', () => {
  const vectors = fixture<Record<string, Vectors>>('forms.json.gz')
  it.each(Object.keys(vectors))('%s', async (name) => {
    expectVectors(await Tokenizer.fromJson(fixture(`${name}.tokenizer.json.gz`)), vectors[name] as Vectors)
  })
})

// Half a megabyte each, so they are not in the repository: the folder `data` of the Python package mistral_common has them.
const folder = process.env.MISTRAL_VOCABULARIES
if (folder !== undefined) {
  describe(`the vocabularies of Mistral in ${folder}, against SentencePiece`, () => {
    const vectors = fixture<Record<string, Vectors>>('real.json.gz')
    it.each(Object.keys(vectors))('%s', { timeout: patience(60_000) }, async (name) => {
      const { file, ...rest } = vectors[name] as Vectors
      expectVectors(await Tokenizer.load(join(folder, file as string)), rest)
    })
  })
}
