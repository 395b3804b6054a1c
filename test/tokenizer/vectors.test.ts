import { describe, expect, it } from 'vitest'
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import {
  type DecodeVectors,
  type EncodeVectors,
  expectDecodes,
  expectEncodes,
  fixture,
  fixtureBytes,
  fnv1a,
  sharedPath,
} from './support.ts'

interface Vectors {
  file?: string
  encode: EncodeVectors
  decode: DecodeVectors
  long?: number
}

const strings = fixture<string[]>('strings.json.gz')

describe('own SentencePiece models, against SentencePiece', () => {
  const vectors = fixture<Record<string, Vectors>>('own.json.gz')
  it.each(Object.keys(vectors))('%s', async (name) => {
    const tokenizer = await Tokenizer.fromSentencePiece(fixtureBytes(`${name}.model`))
    const { encode, decode } = vectors[name] as Vectors
    expectEncodes(tokenizer, strings, encode)
    expectDecodes(tokenizer, decode)
  })
})

describe('tokenizer.json in the forms of Mistral repositories, against Hugging Face tokenizers', () => {
  const vectors = fixture<Record<string, Vectors>>('forms.json.gz')
  it.each(Object.keys(vectors))('%s', async (name) => {
    const tokenizer = await Tokenizer.fromJson(fixture(`${name}.tokenizer.json.gz`))
    const { encode, decode } = vectors[name] as Vectors
    expectEncodes(tokenizer, strings, encode)
    expectDecodes(tokenizer, decode)
  })
})

describe('real vocabularies beside the repository, against SentencePiece', () => {
  for (const [name, vectors] of Object.entries(fixture<Record<string, Vectors>>('shared.json.gz'))) {
    const path = sharedPath(vectors.file as string)
    it.skipIf(path === undefined)(
      `${name}: 10,000 strings (needs ../shared/${vectors.file})`,
      { timeout: 60_000 },
      async () => {
        const tokenizer = await Tokenizer.load(path as string)
        expect(strings.length).toBe(10_000)
        expectEncodes(tokenizer, strings, vectors.encode)
        expectDecodes(tokenizer, vectors.decode)
        const long = Array.from(strings.join('')).slice(0, 100_000).join('')
        expect(fnv1a(tokenizer.encode(long))).toBe(vectors.long)
      },
    )
  }
})
