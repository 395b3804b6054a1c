/** Names of models on the Hub, and which of several forms is taken. */
import { describe, expect, it } from 'vitest'
import { CheckpointError, ChoiceError } from '../../src/errors.ts'
import { chooseForm, pathsOfPick } from '../../src/formats/hub/choose.ts'
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

  it('what a type or a file is called by in part is enough, where no other is called so', () => {
    const files = {
      'm.i1-Q4_K_M.gguf': 4,
      'm.i1-Q2_K.gguf': 2,
      'm-UD-Q4_K_XL.gguf': 4,
      'UD-Q8_K_XL/m-UD-Q8_K_XL-00001-of-00002.gguf': 5,
    }
    expect(choose(files, 'i1-Q2_K').fileName).toBe('m.i1-Q2_K.gguf')
    expect(choose(files, 'q4_k_xl').fileName).toBe('m-UD-Q4_K_XL.gguf')
    expect(choose(files, 'Q8_K_XL').fileName).toBe('m-UD-Q8_K_XL-00001-of-00002.gguf')
    expect(choose(files, 'UD-Q4_K_XL.gguf').fileName).toBe('m-UD-Q4_K_XL.gguf')
    expect(choose({ ...QUANTS, 'm-F16.gguf': 9, 'm.fp16.gguf': 14 }, 'fp16').fileName).toBe('m.fp16.gguf')
    for (const pick of ['K_XL', '8_K_XL', 'XL.gguf.gguf'])
      expect(catching(() => choose(files, pick))).toBeInstanceOf(ChoiceError)
    // What exactly is of the type comes first.
    expect(choose({ 'm-Q4_0.gguf': 1, 'm-UD-Q4_0.gguf': 1 }, 'Q4_0').fileName).toBe('m-Q4_0.gguf')
    const paths = Object.keys(files).map((path) => ({ path, size: 1 }))
    expect(pathsOfPick(paths, 'q4_k_xl')).toEqual(['m-UD-Q4_K_XL.gguf'])
  })

  it('a variant stands where the type stands that it varies', () => {
    const files = {
      'm-UD-IQ1_S.gguf': 1,
      'm-UD-Q3_K_XL.gguf': 3,
      'm-UD-Q5_K_XL.gguf': 5,
      'm-UD-Q8_K_XL.gguf': 8,
      'm-BF16.gguf': 14,
    }
    expect(choose(files).fileName).toBe('m-UD-Q5_K_XL.gguf')
    expect(choose(files, undefined, 4e9).fileName).toBe('m-UD-Q3_K_XL.gguf')
    expect(choose(files, undefined, 2e9).fileName).toBe('m-UD-IQ1_S.gguf')
    const { 'm-UD-Q5_K_XL.gguf': _, ...others } = files
    expect(choose(others).fileName).toBe('m-UD-Q8_K_XL.gguf')
  })

  it('models in folders are asked for, where there is none beside them', () => {
    const folder = (name: string) => ({
      [`${name}/config.json`]: 0,
      [`${name}/model.safetensors`]: 4,
      [`${name}/vae/x.json`]: 0,
    })
    const error = catching(() => choose({ ...folder('checkpoint-100'), ...folder('last/best') }))
    expect((error as ChoiceError).choices?.map(({ name }) => name)).toEqual(['checkpoint-100', 'last/best'])
    expect((error as Error).message).toContain('holds models in folders; name one: checkpoint-100 (3.7 GiB), last/best')
    expect(choose({ ...folder('checkpoint-100'), ...folder('last/best') }, 'last/best').folder).toBe('last/best/')
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
