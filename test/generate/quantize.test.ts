/** Models written with fewer bits: the bytes that go to the GPU, tokenizers and templates, and folders that are left alone. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { f16ToNumber } from '../../src/formats/f16.ts'
import { openSource } from '../../src/formats/source.ts'
import type { Gpu } from '../../src/gpu/device.ts'
import { AbortError, CheckpointError, ConfigError, MistralChat, quantize, Tokenizer } from '../../src/index.ts'
import { openCheckpoint } from '../../src/model/checkpoint.ts'
import { ropeFrequencies } from '../../src/model/rope.ts'
import type { WeightsOption } from '../../src/model/size-types.ts'
import { loadWeights } from '../../src/model/weights.ts'
import { root } from '../support/child.ts'
import { disabledFeatures } from '../support/features.ts'
import { patience } from '../support/patience.ts'
import { pocketGguf } from '../support/pocket-gguf.ts'

const FOLDER = mkdtempSync(join(tmpdir(), 'mistral-webgpu-'))
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }))
let count = 0
const newFolder = () => join(FOLDER, String(count++))

const POCKET = join(root, 'models/pocket')
const FIXTURES = join(root, 'test/fixtures')

/** Takes what would go to a GPU. */
class Memory {
  readonly buffers = new Map<string, Uint8Array>()
  readonly limits = {
    maxBufferSize: 2 ** 31,
    maxStorageBufferBindingSize: 2 ** 31,
    maxComputeWorkgroupsPerDimension: 65_535,
  }
  readonly tuning = {}

  createBuffer(label: string, size: number): string {
    if (this.buffers.has(label)) throw new Error(`${label} twice`)
    this.buffers.set(label, new Uint8Array(size))
    return label
  }

  write(label: string, offset: number, data: ArrayBufferView): void {
    this.buffers.get(label)!.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset)
  }

  async finish(): Promise<void> {}
}

/** What loading a model puts on the GPU, by the labels of buffers, and the config. */
async function loaded(source: string, weights: WeightsOption) {
  const files = await openSource(source)
  try {
    const checkpoint = await openCheckpoint(files)
    const memory = new Memory()
    const { quantization } = await loadWeights(memory as unknown as Gpu, checkpoint, { weights })
    return { buffers: memory.buffers, config: checkpoint.config, quantization }
  } finally {
    await files.close()
  }
}

/** A matrix of F32 holds what the blocks stand for, bit by bit; rows of both are padded with zeros to 32. */
function expectNumbers(wide: Uint8Array, quants: Uint8Array, scales: Uint8Array): void {
  const values = new Float32Array(wide.buffer)
  const blocks = values.length / 32
  const bytes = quants.length / blocks
  const bits = new Uint16Array(scales.buffer)
  const differing = values.filter((value, i) => {
    const [block, at] = [i >> 5, i & 31]
    const pair = quants[block * 16 + 4 * (at >> 3) + (at & 3)]!
    const quant = bytes === 32 ? (quants[i]! << 24) >> 24 : ((at & 4) === 0 ? pair & 15 : pair >> 4) - 8
    return value !== f16ToNumber(bits[block]!) * quant
  })
  expect(differing.length).toBe(0)
}

async function expectSameBits(source: string, weights: 'q8' | 'q4'): Promise<void> {
  const folder = newFolder()
  const result = await quantize(source, folder, { weights })
  const [expected, got] = [await loaded(source, weights), await loaded(folder, 'native')]
  const names = ({ buffers }: typeof got) => [...buffers.keys()].filter((label) => !label.endsWith(' scales')).sort()
  expect(names(got)).toEqual(names(expected))
  let asNumbers = 0
  for (const [label, bytes] of expected.buffers) {
    const isWide = expected.buffers.has(`${label} scales`) && !got.buffers.has(`${label} scales`)
    if (isWide) {
      asNumbers++
      expectNumbers(got.buffers.get(label)!, bytes, expected.buffers.get(`${label} scales`)!)
    } else if (got.buffers.has(label)) {
      expect(Buffer.compare(bytes, got.buffers.get(label)!), `${source} ${label}`).toBe(0)
    }
  }
  const notes = result.notes.filter((note) => /rows that are no whole blocks of 32/.test(note))
  expect(notes.length).toBe(asNumbers > 0 ? 1 : 0)
  expect(result.quantization).toEqual(expected.quantization)
  expect(got.quantization).toBeUndefined()
  const [before, after] = [ropeFrequencies(expected.config), ropeFrequencies(got.config)]
  expect(Math.max(...before.map((frequency, i) => Math.abs(after[i]! / frequency - 1)))).toBeLessThan(1e-6)
  expect(got.config.queryScale === undefined).toBe(expected.config.queryScale === undefined)
  expect(got.config.slidingWindows).toEqual(expected.config.slidingWindows)
  expect(result.bytes).toBe(readFileSync(join(folder, 'model.gguf')).byteLength)
}

describe('a folder that was written loads back bit for bit', () => {
  test.each(['q4', 'q8'] as const)('of the embedded model, %s', async (weights) => {
    await expectSameBits(POCKET, weights)
    await expectSameBits(pocketGguf(), weights)
  })

  const sources = ['checkpoints', 'quantized'].flatMap((kind) =>
    readdirSync(join(FIXTURES, kind), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(FIXTURES, kind, name)),
  )
  const written: string[] = []

  test.each(sources)('of %s, or says what no GGUF can hold', { timeout: patience(60_000) }, async (source) => {
    for (const weights of ['q4', 'q8'] as const) {
      try {
        await expectSameBits(source, weights)
        written.push(source)
      } catch (error) {
        // Windows that differ between layers, a ramp that is not rounded.
        expect(error).toBeInstanceOf(ConfigError)
        expect(String(error)).toMatch(/cannot be said in a GGUF/)
        expect(readdirSync(FOLDER)).not.toContain(String(count - 1))
      }
    }
  })

  test('for all but a few of them', () => {
    expect(written.length).toBeGreaterThan(2 * sources.length - 9)
  })
})

test('tokenizer and template are those of the source, whatever the folder is opened as', {
  timeout: patience(60_000),
}, async () => {
  const folder = newFolder()
  const { files, notes } = await quantize(POCKET, folder, { weights: 'q4' })
  expect(files).toEqual(['model.gguf', 'tokenizer.json', 'tokenizer_config.json'])
  expect(readdirSync(folder).sort()).toEqual([...files].sort())
  expect(notes).toEqual([])
  const texts = ['What is a mistral?', ' two  spaces', 'Föhn — 80 km/h\n\n', 'unaffordabilities </s> [INST]']
  const source = await Tokenizer.load(POCKET)
  for (const path of [folder, join(folder, 'model.gguf')]) {
    const tokenizer = await Tokenizer.load(path)
    for (const text of texts) expect(tokenizer.encode(text)).toEqual(source.encode(text))
  }
  // A file alone has a likeness of both.
  const alone = await Tokenizer.load(new File([readFileSync(join(folder, 'model.gguf'))], 'model.gguf'))
  expect(alone.encode(texts[0]!)).toEqual(source.encode(texts[0]!))
  const messages = [{ role: 'user', content: 'What is a mistral?' }]
  const answers: unknown[] = []
  for (const [path, weights] of [
    [POCKET, 'q4'],
    [folder, 'native'],
  ] as const) {
    const chat = await MistralChat.load(path, { weights, disableFeatures: disabledFeatures() })
    try {
      answers.push(chat.encode({ messages }), await chat.model.logits(chat.encode({ messages })))
    } finally {
      chat.dispose()
    }
  }
  expect(answers.slice(2)).toEqual(answers.slice(0, 2))
})

test('the metadata of a GGUF stays, byte for byte, but for what the new file is', async () => {
  const folder = newFolder()
  const source = pocketGguf()
  await quantize(source, folder, { weights: 'q8' })
  const [before, after] = await Promise.all(
    [source, folder].map(async (path) => {
      const files = await openSource(path)
      const { gguf } = await openCheckpoint(files)
      await files.close()
      return gguf!
    }),
  )
  for (const [key, value] of before!) expect(after!.get(key), key).toEqual(value)
  const added = [...after!.keys()].filter((key) => !before!.has(key))
  expect(added).toEqual(['general.file_type', 'general.quantization_version', 'general.quantized_by'])
  expect(readdirSync(folder)).toEqual(['model.gguf'])
})

describe('folders', () => {
  test('that are not empty are left alone without force', async () => {
    const folder = newFolder()
    mkdirSync(folder)
    writeFileSync(join(folder, 'notes.txt'), 'mine')
    const asked = quantize(POCKET, folder, { weights: 'q4' })
    await expect(asked).rejects.toMatchObject({ parameter: 'folder', fact: expect.stringMatching(/not empty/) })
    expect(readdirSync(folder)).toEqual(['notes.txt'])
    await quantize(POCKET, folder, { weights: 'q4', force: true })
    const first = readFileSync(join(folder, 'model.gguf'))
    await quantize(pocketGguf(), folder, { weights: 'q8', force: true })
    // The tokenizer of the first is not left for the second.
    expect(readdirSync(folder).sort()).toEqual(['model.gguf', 'notes.txt'])
    expect(readFileSync(join(folder, 'notes.txt'), 'utf8')).toBe('mine')
    expect(readFileSync(join(folder, 'model.gguf')).equals(first)).toBe(false)
  })

  test.each(['model-00001-of-00002.safetensors', 'other.gguf'])('with %s are left alone even so', async (name) => {
    const folder = newFolder()
    mkdirSync(folder)
    writeFileSync(join(folder, name), 'x')
    const asked = quantize(POCKET, folder, { weights: 'q4', force: true })
    await expect(asked).rejects.toMatchObject({ parameter: 'folder', fact: `holds another model, ${name}` })
  })

  test('are as they were after an abort and after a failure', async () => {
    const folder = newFolder()
    const controller = new AbortController()
    const aborted = quantize(POCKET, folder, {
      weights: 'q4',
      signal: controller.signal,
      onProgress: ({ loaded, total }) => loaded > total / 2 && controller.abort(),
    })
    await expect(aborted).rejects.toThrow(AbortError)
    expect(existsSync(folder)).toBe(false)

    const broken = newFolder()
    mkdirSync(broken)
    for (const name of readdirSync(POCKET).filter((name) => name.endsWith('.json'))) {
      writeFileSync(join(broken, name), readFileSync(join(POCKET, name)))
    }
    const weights = readFileSync(join(POCKET, 'model.safetensors'))
    writeFileSync(join(broken, 'model.safetensors'), weights)
    writeFileSync(join(broken, 'tokenizer.json'), '{"model": 1}')
    mkdirSync(folder)
    writeFileSync(join(folder, 'model.gguf'), 'before')
    await expect(quantize(broken, folder, { weights: 'q4', force: true })).rejects.toThrow(/tokenizer\.json/)
    expect(readdirSync(folder)).toEqual(['model.gguf'])
    expect(readFileSync(join(folder, 'model.gguf'), 'utf8')).toBe('before')
  })

  test('that cannot be made are named', async () => {
    const file = newFolder()
    writeFileSync(file, '')
    const asked = quantize(POCKET, join(file, 'inside'), { weights: 'q4' })
    await expect(asked).rejects.toThrow(CheckpointError)
    await expect(asked).rejects.toThrow(/cannot be written: .*ENOTDIR/)
  })
})

test.each([
  [{}, 'weights'],
  [{ weights: 'q5' }, 'weights'],
  [{ weights: 'native' }, 'weights'],
  [{ weights: 'q4', overwrite: true }, 'overwrite'],
  [{ weights: 'q4', force: 1 }, 'force'],
])('options %j are refused by the name of %s', async (options, parameter) => {
  await expect(quantize(POCKET, newFolder(), options as never)).rejects.toMatchObject({ parameter })
})
