/** GGUFs in several parts open by any of them, and whatever does not belong together is refused by name. */
import { readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { AbortError } from '../../src/errors.ts'
import { type ModelSource, openSource } from '../../src/formats/source.ts'
import { type Checkpoint, openCheckpoint } from '../../src/model/checkpoint.ts'
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { serveFolders } from '../runtime/static-server.ts'
import { copy, folder, handleOf, picked, put, refused } from './folders.ts'
import { FIXTURES, fixture, gguf, ggufString, pair, u32 } from './helpers.ts'

const PARTS = [1, 2, 3].map((number) => `tiny-0000${number}-of-00003.gguf`)
const SPLIT = join(FIXTURES, 'split')
const UINT16 = 2
const INT32 = 5

async function using<T>(source: ModelSource, use: (checkpoint: Checkpoint) => Promise<T>): Promise<T> {
  const files = await openSource(source)
  try {
    return await use(await openCheckpoint(files))
  } finally {
    await files.close()
  }
}

/** Every weight's bytes, by name. */
const contents = (source: ModelSource) =>
  using(source, async (checkpoint) => {
    const all: Record<string, unknown> = { bytes: checkpoint.totalBytes, config: checkpoint.config }
    for (const name of checkpoint.names) {
      const info = checkpoint.tensor(name)
      all[name] = await checkpoint.readTensor(info, 0, info.byteLength)
    }
    return all
  })

const whole = await contents(new File([fixture('tied-q8_0.gguf')], 'tied.gguf'))
const files = (names: readonly string[]) => names.map((name) => new File([fixture(`split/${name}`)], name))

describe('a GGUF in parts is the whole', () => {
  it.each(PARTS)('by the path of %s', async (name) => {
    expect(await contents(join(SPLIT, name))).toEqual(whole)
  })

  it('by its folder, also where the first part has no tensor', async () => {
    expect(await contents(SPLIT)).toEqual(whole)
    const [first] = readdirSync(join(FIXTURES, 'split-metadata-first')).sort()
    expect(first).toBe('tiny-00001-of-00003.gguf')
    expect(await contents(join(FIXTURES, 'split-metadata-first'))).toEqual(whole)
    expect(await contents(handleOf(SPLIT))).toEqual(whole)
    expect(await contents(picked(SPLIT))).toEqual(whole)
  })

  it('by its files in any order, and by an opener that lists them', async () => {
    expect(await contents(files([...PARTS].reverse()))).toEqual(whole)
    const list = () => PARTS
    const open = (name: string) => (PARTS.includes(name) ? fixture(`split/${name}`) : undefined)
    expect(await contents({ list, open })).toEqual(whole)
  })

  it('by the URL of any part', async () => {
    const server = await serveFolders({ m: SPLIT })
    try {
      for (const name of [PARTS[0], PARTS[2]]) expect(await contents(`${server.origin}/m/${name}`)).toEqual(whole)
    } finally {
      await server.close()
    }
  })

  it('with the file of each tensor', async () => {
    const found = await using(
      SPLIT,
      async (checkpoint) => new Set(checkpoint.names.map((n) => checkpoint.tensor(n).file)),
    )
    expect([...found].sort()).toEqual(PARTS)
  })

  it('with its tokenizer, for which the first part is enough', async () => {
    copy(join(SPLIT, PARTS[0]!), `m/${PARTS[0]}`)
    const path = copy(join(SPLIT, PARTS[1]!), `m/${PARTS[1]}`)
    expect((await Tokenizer.load(path)).vocabSize).toBe(40)
  })

  it('beside another model of which one part lies there', async () => {
    copy(SPLIT, 'm')
    copy(join(SPLIT, PARTS[0]!), 'm/tiny-00001-of-00002.gguf')
    const { fact } = await refused(join(folder, 'm'))
    expect(fact).toBe('holds 2 GGUF files (tiny-00001-of-00002.gguf, tiny-00001-of-00003.gguf); name one')
    expect(await contents(join(folder, 'm', PARTS[1]!))).toEqual(whole)
  })
})

describe('parts that do not make a model are refused', () => {
  it.each(PARTS)('without %s, which is named', async (name) => {
    copy(SPLIT, 'm')
    rmSync(join(folder, 'm', name))
    for (const source of [join(folder, 'm'), files(PARTS.filter((other) => other !== name))]) {
      const error = await refused(source)
      expect(error.file).toBe(name)
      expect(error.fact).toMatch(/is missing; tiny-0000\d-of-00003\.gguf is one of 3 parts that must lie together/)
    }
  })

  it('one file alone', async () => {
    expect((await refused(files([PARTS[1]!]))).file).toBe(PARTS[0])
    const { fact } = await refused(new Blob([fixture(`split/${PARTS[1]}`)]))
    expect(fact).toMatch(/is part 2 of 3, but its name does not end in -00002-of-00003\.gguf/)
  })

  it('under names of other parts', async () => {
    copy(SPLIT, 'm')
    renameSync(join(folder, 'm', PARTS[1]!), join(folder, 'm', 'x'))
    renameSync(join(folder, 'm', PARTS[2]!), join(folder, 'm', PARTS[1]!))
    renameSync(join(folder, 'm', 'x'), join(folder, 'm', PARTS[2]!))
    const error = await refused(join(folder, 'm'))
    expect(error.file).toBe(PARTS[1])
    expect(error.fact).toBe('split.no is 2 where 1 belongs: it is no part of this model')
  })

  it('cut short, in the second part', async () => {
    copy(SPLIT, 'm')
    put([`m/${PARTS[1]}`, readFileSync(join(SPLIT, PARTS[1]!)).subarray(0, -600)])
    const error = await refused(join(folder, 'm'))
    expect(error).toMatchObject({ file: PARTS[1], fact: expect.stringMatching(/is it complete\?/) })
  })

  const part = (number: number, { count = 2, tensors = 2, name = `t${number}`, extra = [] as Uint8Array[] } = {}) =>
    [
      `m/x-0000${number}-of-00002.gguf`,
      gguf({
        pairs: [
          pair('split.no', UINT16, new Uint8Array([number - 1, 0])),
          pair('split.count', UINT16, new Uint8Array([count, 0])),
          pair('split.tensors.count', INT32, u32(tensors)),
          ...extra,
        ],
        tensors: [{ name, dims: [8], offset: 0 }],
        dataBytes: 32,
      }),
    ] as const
  const architecture = (name: string) => [pair('general.architecture', 8, ggufString(name))]

  it.each<[string, ReturnType<typeof part>[], string, RegExp]>([
    [
      'of another number of parts',
      [part(1), part(2, { count: 3 })],
      'x-00002-of-00002.gguf',
      /split.count is 3 where 2/,
    ],
    [
      'of another number of tensors',
      [part(1), part(2, { tensors: 3 })],
      'x-00002-of-00002.gguf',
      /tensors.count is 3 where 2/,
    ],
    [
      'that hold one tensor twice',
      [part(1), part(2, { name: 't1' })],
      'x-00002-of-00002.gguf',
      /also in x-00001-of-00002/,
    ],
    [
      'with fewer tensors than they say',
      [part(1, { tensors: 9 }), part(2, { tensors: 9 })],
      'x-00001-of-00002.gguf',
      /split.tensors.count is 9, but its 2 parts hold 2/,
    ],
    [
      'of two architectures',
      [part(1, { extra: architecture('llama') }), part(2, { extra: architecture('qwen3') })],
      'x-00002-of-00002.gguf',
      /general.architecture is qwen3, but llama in x-00001-of-00002.gguf: these are parts of two models/,
    ],
  ])('%s', async (_, parts, file, fact) => {
    put(...parts)
    for (const named of ['m', 'm/x-00001-of-00002.gguf']) {
      const error = await refused(join(folder, named))
      expect(error.file).toBe(file)
      expect(error.fact).toMatch(fact)
    }
  })

  it.each([
    ['split.count', 8, ggufString('3'), 'split.count is 3, not a whole number up to 65535'],
    ['split.count', INT32, u32(-2), 'split.count is -2, not a whole number up to 65535'],
    [
      'split.count',
      UINT16,
      new Uint8Array([2, 0]),
      'split.no is missing, not a whole number below its split.count of 2',
    ],
  ])('whose %s is of type %i and senseless', async (key, type, value, fact) => {
    expect((await refused(put(['x-00001-of-00002.gguf', gguf({ pairs: [pair(key, type, value)] })]))).fact).toBe(fact)
  })

  it('and a file that says that it is the only part is none', async () => {
    const only = gguf({ pairs: [pair('split.count', UINT16, new Uint8Array([1, 0]))] })
    expect((await refused(put(['x.gguf', only])).catch((error) => error)).message).not.toMatch(/part/)
  })

  it('and opening them ends when it is aborted', async () => {
    const controller = new AbortController()
    const opened = await openSource(SPLIT)
    const open = opened.open.bind(opened)
    const slow = Object.assign(opened, {
      open: (name: string, signal?: AbortSignal) => {
        if (name === PARTS[1]) controller.abort()
        return open(name, signal)
      },
    })
    await expect(openCheckpoint(slow, { signal: controller.signal })).rejects.toThrow(AbortError)
    await opened.close()
  })
})
