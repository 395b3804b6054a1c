import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { AbortError, CheckpointError, TokenizerError } from '../../src/errors.ts'
import { ChatTemplate } from '../../src/tokenizer/chat-template.ts'
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { type EncodeVectors, expectEncodes, fixture, fixtureBytes } from './support.ts'

const folder = mkdtempSync(join(tmpdir(), 'tokenizer-'))
afterAll(() => rmSync(folder, { recursive: true }))

const spm = fixtureBytes('own-v3.model')
const json = JSON.stringify(fixture('byte-level.tokenizer.json.gz'))
const strings = fixture<string[]>('strings.json.gz')

describe('Tokenizer.load', () => {
  it('opens a tokenizer.model by path, by file URL, and under the names that Mistral gives it', async () => {
    const path = fileURLToPath(new URL('../fixtures/tokenizer/own-v3.model', import.meta.url))
    expect((await Tokenizer.load(path)).vocabSize).toBe(1009)
    expect((await Tokenizer.load(pathToFileURL(path))).vocabSize).toBe(1009)
    writeFileSync(join(folder, 'tokenizer.model.v3'), spm)
    expect((await Tokenizer.load(join(folder, 'tokenizer.model.v3'))).vocabSize).toBe(1009)
    expect((await Tokenizer.load(folder)).vocabSize).toBe(1009)
  })

  it('prefers tokenizer.json in a folder, with its tokenizer_config.json', async () => {
    const files = { 'tokenizer.json': json, 'tokenizer.model': spm, 'tokenizer_config.json': '{"eos_token": "[INST]"}' }
    const open = async (name: string) => files[name as keyof typeof files]
    const tokenizer = await Tokenizer.load({ open })
    expect(tokenizer.alphabet).toBe('bytes')
    expect(tokenizer.eosId).toBe(tokenizer.tokenToId('[INST]'))
  })

  it('opens files of a drop', async () => {
    expect((await Tokenizer.load([new File([spm], 'tokenizer.model')])).vocabSize).toBe(1009)
    expect((await Tokenizer.load(new File([json], 'tokenizer.json'))).alphabet).toBe('bytes')
    const files = [
      new File([json], 'tokenizer.json'),
      new File(['{"chat_template": "{{ bos_token }}x"}'], 'tokenizer_config.json'),
    ]
    const tokenizer = await Tokenizer.load(files)
    const template = await ChatTemplate.fromFiles(async (name) => {
      const file = files.find((f) => f.name === name)
      return file === undefined ? undefined : new Uint8Array(await file.arrayBuffer())
    })
    expect(template?.encode([{ role: 'user', content: 'a' }], tokenizer)).toEqual([1, ...tokenizer.encode('x')])
  })

  it('says what is wrong', async () => {
    const none = { open: async () => undefined }
    await expect(Tokenizer.load(none)).rejects.toThrow(TokenizerError)
    await expect(Tokenizer.load(none)).rejects.toThrow('holds no tekken.json, tokenizer.json, tokenizer.model or .gguf')
    await expect(Tokenizer.load(new File(['{}'], 'my-tokenizer.json'))).rejects.toThrow(
      'my-tokenizer.json: model is not an object',
    )
    await expect(Tokenizer.load(new File(['[]'], 'list.json'))).rejects.toThrow('list.json is not an object')
    await expect(Tokenizer.load(new File(['x'], 'my.model'))).rejects.toThrow('my.model: not a SentencePiece model')
    await expect(Tokenizer.load(join(folder, 'nothing'))).rejects.toThrow(CheckpointError)
    await expect(Tokenizer.load(new File(['{'], 'tokenizer.json'))).rejects.toThrow('tokenizer.json: is not JSON')
    await expect(Tokenizer.load(new File([Uint8Array.of(0xff)], 'tokenizer.json'))).rejects.toThrow('is not UTF-8')
    await expect(Tokenizer.load(folder, { signal: AbortSignal.abort() })).rejects.toThrow(AbortError)
    expect(await Tokenizer.fromFiles(async () => undefined)).toBeUndefined()
  })
})

describe('a byte-level vocabulary inside a GGUF', () => {
  it('gives the ids of the tokenizer.json that it was made from', async () => {
    const { model, added_tokens } = fixture<{
      model: { vocab: Record<string, number>; merges: [string, string][] }
      added_tokens: { id: number }[]
    }>('byte-level.tokenizer.json.gz')
    const tokens = Object.entries(model.vocab)
      .sort(([, a], [, b]) => a - b)
      .map(([token]) => token)
    const special = new Set(added_tokens.map((t) => t.id))
    const metadata = new Map<string, unknown>([
      ['tokenizer.ggml.model', 'gpt2'],
      ['tokenizer.ggml.pre', 'tekken'],
      ['tokenizer.ggml.tokens', tokens],
      ['tokenizer.ggml.token_type', Int32Array.from(tokens, (_, id) => (special.has(id) ? 3 : 1))],
      ['tokenizer.ggml.merges', model.merges.map((pair) => pair.join(' '))],
      ['tokenizer.ggml.bos_token_id', 1],
      ['tokenizer.ggml.eos_token_id', 2],
    ])
    const tokenizer = await Tokenizer.fromGguf(metadata)
    const vectors = fixture<Record<string, { encode: EncodeVectors }>>('forms.json.gz')['byte-level']
    expectEncodes(tokenizer, strings, (vectors as { encode: EncodeVectors }).encode)
    expect(tokenizer.addsBos).toBe(true)
    expect(tokenizer.decode(tokenizer.encode('é 風 [INST]'))).toBe('é 風 [INST]')
  })
})
