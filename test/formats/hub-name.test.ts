/** Names of models on the Hub, and which of several forms is taken. */
import { describe, expect, it } from 'vitest'
import { CheckpointError, ChoiceError } from '../../src/errors.ts'
import { chooseForm } from '../../src/formats/hub/choose.ts'
import { hubNameAt, parseHubName } from '../../src/formats/hub/name.ts'

const ID = 'a'.repeat(64)
const listing = (files: Record<string, number>) =>
  Object.entries(files).map(([path, gigabytes]) => ({ path, size: gigabytes * 1e9, id: ID }))
const choose = (files: Record<string, number>, pick?: string, fit = 10e9) =>
  chooseForm('o/r', listing(files), pick, fit)

describe('a name on the Hub', () => {
  it.each([
    ['owner/name', 'owner/name', 'main', undefined, false],
    ['mistralai/Ministral-3-3B-Instruct-2512', 'mistralai/Ministral-3-3B-Instruct-2512', 'main', undefined, false],
    ['owner/name@v1.0', 'owner/name', 'v1.0', undefined, true],
    ['owner/name@refs/pr/7:Q8_0', 'owner/name', 'refs/pr/7', 'Q8_0', true],
    ['owner/name:Q4_K_M', 'owner/name', 'main', 'Q4_K_M', true],
    ['owner/name:sub/file.gguf', 'owner/name', 'main', 'sub/file.gguf', true],
    ['owner/name/file.gguf', 'owner/name', 'main', 'file.gguf', false],
    ['hf:owner/name', 'owner/name', 'main', undefined, true],
    ['hf://owner/name', 'owner/name', 'main', undefined, true],
    ['hf.co/owner/name:Q4_0', 'owner/name', 'main', 'Q4_0', true],
    ['https://huggingface.co/owner/name', 'owner/name', 'main', undefined, true],
    ['https://huggingface.co/owner/name/', 'owner/name', 'main', undefined, true],
    ['https://huggingface.co/owner/name/tree/main/q4', 'owner/name', 'main', 'q4', true],
    ['https://huggingface.co/owner/name/blob/v2/a%20b.gguf?download=true', 'owner/name', 'v2', 'a b.gguf', true],
    ['https://hf.co/owner/name/resolve/refs%2Fpr%2F1/x.gguf', 'owner/name', 'refs/pr/1', 'x.gguf', true],
    ['https://hf.co/owner/name/blob/refs/pr/1/q/x.gguf', 'owner/name', 'refs/pr/1', 'q/x.gguf', true],
    ['https://huggingface.co/owner/name/tree/refs/pr/1', 'owner/name', 'refs/pr/1', undefined, true],
    ['https://huggingface.co/owner/name?show_file_info=m-Q4_0.gguf', 'owner/name', 'main', 'm-Q4_0.gguf', true],
    ['https://huggingface.co/owner/name?library=transformers#use', 'owner/name', 'main', undefined, true],
    ['hf://models/owner/name', 'owner/name', 'main', undefined, true],
    ['hf://owner/name@v1/q/x.gguf', 'owner/name', 'v1', 'q/x.gguf', true],
    ['hf://owner/name@refs/pr/10/x.gguf', 'owner/name', 'refs/pr/10', 'x.gguf', true],
    ['hf://owner/name@feature%2Fx/q', 'owner/name', 'feature/x', 'q', true],
    ['hf://owner/name/q', 'owner/name', 'main', 'q', true],
    ['owner/name@feature/x', 'owner/name', 'feature/x', undefined, true],
    ['owner/name@v1/x.gguf', 'owner/name', 'v1', 'x.gguf', true],
    ['owner/name:my model.gguf', 'owner/name', 'main', 'my model.gguf', true],
    [' owner/name/ ', 'owner/name', 'main', undefined, false],
  ])('%s', (text, repository, revision, pick, isExplicit) => {
    expect(parseHubName(text)).toEqual({ repository, revision, pick, isExplicit })
  })

  it.each([
    './owner/name',
    '../name',
    '/owner/name',
    '~/name',
    'name',
    'a/b/c',
    'owner/model.gguf',
    'C:\\models\\name',
    'mistral:7b',
    'a/../b',
    'https://example.com/owner/name',
  ])('%s is none', (text) => {
    expect(parseHubName(text)).toBeUndefined()
  })
})

it('of the Hub is no name of something else', () => {
  expect(() => parseHubName('hf://datasets/owner/name')).toThrow(/is no name of a model/)
  expect(() => parseHubName('hf://name')).toThrow(/^hf:\/\/name: is no name of a model/)
  expect(() => parseHubName('https://huggingface.co/')).toThrow(/^the Hugging Face Hub: is no page of a model/)
  expect(() => parseHubName('https://huggingface.co/owner/name/discussions')).toThrow(/is no page of a model/)
})

it('at another Hub is known by its address', () => {
  const at = (address: string) => hubNameAt(new URL(address), 'https://mirror.example/hf/')
  expect(at('https://mirror.example/hf/owner/name/resolve/v1/x.gguf?download=true')).toMatchObject({
    repository: 'owner/name',
    revision: 'v1',
    pick: 'x.gguf',
  })
  expect(at('https://mirror.example/owner/name')).toBeUndefined()
  expect(at('https://mirror.example/hf/models/tiny/model.gguf')).toBeUndefined()
})

describe('of several forms', () => {
  const QUANTS = {
    'm-Q2_K.gguf': 2.7,
    'm-Q4_K_M.gguf': 4.4,
    'm-Q4_0.gguf': 4.1,
    'm-Q8_0.gguf': 7.7,
    'm-F16.gguf': 14.5,
  }

  it('the first in order of preference that fits is taken, and said', () => {
    expect(choose(QUANTS)).toMatchObject({ folder: '', fileName: 'm-Q4_K_M.gguf' })
    expect(choose(QUANTS).reason).toMatch(/^m-Q4_K_M\.gguf \(4\.1 GiB\).*m-Q8_0\.gguf \(7\.2 GiB\)/)
    expect(choose(QUANTS, undefined, 4.2e9).fileName).toBe('m-Q4_0.gguf')
    expect(choose(QUANTS, undefined, 3e9).fileName).toBe('m-Q2_K.gguf')
    expect(choose(QUANTS, undefined, 1e9).fileName).toBe('m-Q2_K.gguf')
  })

  it('a type, a file and a folder can be named', () => {
    expect(choose(QUANTS, 'q8_0').fileName).toBe('m-Q8_0.gguf')
    expect(choose(QUANTS, 'm-F16.gguf').fileName).toBe('m-F16.gguf')
    const nested = {
      'Q4_K_M/m-Q4_K_M-00001-of-00002.gguf': 3,
      'Q4_K_M/m-Q4_K_M-00002-of-00002.gguf': 2,
      'Q8_0/m-Q8_0.gguf': 8,
    }
    expect(choose(nested, 'Q4_K_M')).toMatchObject({ folder: 'Q4_K_M/', fileName: 'm-Q4_K_M-00001-of-00002.gguf' })
    expect(choose(nested, 'Q8_0')).toMatchObject({ folder: 'Q8_0/', fileName: 'm-Q8_0.gguf' })
    expect(choose(nested, 'm-Q8_0')).toMatchObject({ folder: 'Q8_0/', fileName: 'm-Q8_0.gguf' })
    expect(choose(nested, 'm-Q4_K_M.gguf').fileName).toBe('m-Q4_K_M-00001-of-00002.gguf')
    expect(choose(QUANTS, 'latest')).toEqual(choose(QUANTS))
    expect(choose(nested, undefined, 4e9).fileName).toBe('m-Q4_K_M-00001-of-00002.gguf')
  })

  it('a projector is no model, and the only one needs no choice', () => {
    expect(choose({ 'mmproj-m-F16.gguf': 1, 'm-Q8_0.gguf': 4 })).toEqual({ folder: '', fileName: 'm-Q8_0.gguf' })
  })

  it('of two layouts of safetensors the one with config.json is taken', () => {
    const both = { 'config.json': 0, 'params.json': 0, 'model.safetensors': 4, 'consolidated.safetensors': 4 }
    expect(choose(both)).toMatchObject({ folder: '', fileName: undefined, reason: undefined })
  })

  it('an adapter alone is the folder', () => {
    const adapter = { 'adapter_config.json': 0, 'adapter_model.safetensors': 0.1, 'README.md': 0 }
    expect(choose(adapter)).toEqual({ folder: '', fileName: undefined, reason: undefined })
  })

  it('different models are asked for, with their sizes', () => {
    const error = catching(() => choose({ 'a-Q4_0.gguf': 1, 'b-Q4_0.gguf': 2 }))
    expect(error).toBeInstanceOf(ChoiceError)
    expect((error as ChoiceError).choices).toEqual([
      { name: 'a-Q4_0.gguf', bytes: 1e9 },
      { name: 'b-Q4_0.gguf', bytes: 2e9 },
    ])
    expect((error as Error).message).toContain('a-Q4_0.gguf (953.7 MiB)')
  })

  it('what is not there is refused with what is', () => {
    const error = catching(() => choose(QUANTS, 'Q5_K_M'))
    expect(error).toBeInstanceOf(ChoiceError)
    expect((error as Error).message).toContain('has no Q5_K_M')
    expect(catching(() => choose({ 'pytorch_model.bin': 3 }))).toBeInstanceOf(CheckpointError)
  })
})

function catching(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}
