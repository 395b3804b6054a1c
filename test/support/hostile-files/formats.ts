/** Every format that is opened: sound files, and which of them are changed. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { cacheFileParts } from '../../../src/formats/cache-file.ts'
import { join as joined, text } from '../../formats/helpers.ts'
import { root } from '../child.ts'
import type { Bytes } from './bytes.ts'

/** Files of one model, adapter or tokenizer. */
export interface Sample {
  readonly files: ReadonlyMap<string, Bytes>
  /** Those that are changed. */
  readonly hurt: readonly string[]
  /** The file that the source names; undefined for the folder. */
  readonly named?: string | undefined
  /** Of an adapter: the checkpoint of the fixtures that it is for. */
  readonly base?: string | undefined
}

/** What opens the files. */
export type Opener = 'model' | 'tokenizer' | 'adapter' | 'cache' | 'hub'

export interface Format {
  readonly name: string
  readonly opener: Opener
  readonly samples: readonly Sample[]
}

const FIXTURES = join(root, 'test/fixtures')

function bytesOf(path: string): Bytes {
  const bytes = readFileSync(join(FIXTURES, path))
  return new Uint8Array(path.endsWith('.gz') ? gunzipSync(bytes) : bytes)
}

/** @param hurt which files of the folder are changed */
function folder(path: string, hurt: RegExp, extra: Readonly<Record<string, Bytes>> = {}): Sample {
  const names = readdirSync(join(FIXTURES, path)).filter((name) => /\.(?:json|safetensors|gguf)$/.test(name))
  const kept = names.filter((name) => name !== 'reference.json')
  const files = new Map([...kept.map((name) => [name, bytesOf(join(path, name))] as const), ...Object.entries(extra)])
  return { files, hurt: [...files.keys()].filter((name) => hurt.test(name)) }
}

function one(name: string, bytes: Bytes, beside: Readonly<Record<string, Bytes>> = {}): Sample {
  return { files: new Map([[name, bytes], ...Object.entries(beside)]), hurt: [name], named: name }
}

function json(value: unknown): Bytes {
  return text(JSON.stringify(value)) as Bytes
}

const checkpoints = (names: string, hurt: RegExp) => names.split(' ').map((name) => folder(`checkpoints/${name}`, hurt))
const quantized = (names: string, hurt: RegExp) => names.split(' ').map((name) => folder(`quantized/${name}`, hurt))

/** Adapters in the layout of PEFT, and their bases. */
const ADAPTERS = {
  attention: 'window-4',
  rslora: 'window-4',
  patterns: 'window-4',
  expression: 'window-4',
  head: 'window-4',
  biases: 'llama-bias',
  wrapped: 'mistral3-ministral3',
}

/** A vocabulary of the fixtures is a part of a file of test vectors. */
function part(path: string, name: string): Bytes {
  return json((JSON.parse(new TextDecoder().decode(bytesOf(path))) as Record<string, unknown>)[name])
}

function savedCache(): Sample {
  const [tokens, first] = [
    [1, 5, 9, 4, 4, 7],
    [0, 2],
  ]
  const header = { model: 'a'.repeat(64), layout: 'f16', bytesPerPosition: 64, adapter: null, tokens, first }
  const layers = first.map((from) => new Uint8Array(2 * (tokens.length - from) * 64).fill(3))
  return one('saved.cache', joined(cacheFileParts({ header, layers })))
}

const HUB_FILE = { blobId: 'a'.repeat(40), size: 700 }
const HUB_LFS = { ...HUB_FILE, lfs: { sha256: 'b'.repeat(64), size: 4096, pointerSize: 134 } }
const hubAnswer = (names: string, file: object) => ({
  id: 'owner/name',
  sha: 'c'.repeat(40),
  siblings: names.split(' ').map((rfilename) => ({ rfilename, ...file })),
})

const tokenizerConfig = () => new Uint8Array(readFileSync(join(root, 'models/pocket/tokenizer_config.json')))
const pocketTokenizer = () => new Uint8Array(readFileSync(join(root, 'models/pocket/tokenizer.json')))

/** Samples are read when they are asked for. */
const SAMPLES: Readonly<Record<string, readonly [opener: Opener, samples: () => Sample[]]>> = {
  gguf: [
    'model',
    () => [
      ...checkpoints('gguf-q4_0 gguf-mixed gguf-yarn gguf-rope-freqs gguf-bias gguf-tied-q8_0 gguf-mistral3', /gguf$/),
      one('mixed.gguf', bytesOf('formats/mixed.gguf')),
      one('integers.gguf', bytesOf('formats/integers.gguf')),
    ],
  ],
  'gguf in parts': [
    'model',
    () =>
      ['split', 'split-metadata-first'].map((name) => ({
        ...folder(`formats/${name}`, /gguf$/),
        named: 'tiny-00001-of-00003.gguf',
      })),
  ],
  safetensors: [
    'model',
    () => [
      ...checkpoints('tied-f16 tied-two llama-bias window-4 native-ministral3', /safetensors$/),
      ...quantized('awq gptq-act-order fp8-block packed-4-zeros native-fp8', /safetensors$/),
    ],
  ],
  'safetensors in shards': ['model', () => checkpoints('sharded-bf16 native-devstral-2', /safetensors|index\.json$/)],
  'config.json': [
    'model',
    () => [
      ...checkpoints(
        'llama-llama3 mistral-yarn layer-types window-7 ministral3 mistral3-mistral llama-linear',
        /^config\.json$/,
      ),
      ...quantized('awq gptq gptq-act-order fp8-block packed-4 int-groups float-rows wrapped-fp8', /^config\.json$/),
    ],
  ],
  'params.json': [
    'model',
    () => [
      ...checkpoints('native-devstral-2 native-ministral3', /^params\.json$/),
      ...quantized('native-fp8', /^params\.json$/),
    ],
  ],
  'tokenizer.json': [
    'tokenizer',
    () => [
      ...['byte-level', 'metaspace-always', 'metaspace-first', 'prepend'].map((name) =>
        one('tokenizer.json', bytesOf(`tokenizer/${name}.tokenizer.json.gz`)),
      ),
      one('tokenizer.json', part('tokenizer/tekken.json.gz', 'tokenizer')),
    ],
  ],
  'tokenizer_config.json': [
    'tokenizer',
    () => [
      { ...one('tokenizer_config.json', tokenizerConfig(), { 'tokenizer.json': pocketTokenizer() }), named: undefined },
      {
        ...one('tokenizer_config.json', tokenizerConfig(), { 'tokenizer.model': bytesOf('tokenizer/own-v3.model') }),
        named: undefined,
      },
    ],
  ],
  'tokenizer.model': [
    'tokenizer',
    () =>
      ['own-bare', 'own-v1', 'own-v7', 'own-collapse'].map((name) =>
        one('tokenizer.model', bytesOf(`tokenizer/${name}.model`)),
      ),
  ],
  'tekken.json': ['tokenizer', () => [one('tekken.json', part('tokenizer/tekken-file.json.gz', 'file'))]],
  'tokenizer in a GGUF': [
    'tokenizer',
    () => [...checkpoints('gguf-q4_0 gguf-mistral3', /gguf$/), one('integers.gguf', bytesOf('formats/integers.gguf'))],
  ],
  'adapter of PEFT': [
    'adapter',
    () => Object.entries(ADAPTERS).map(([name, base]) => ({ ...folder(`adapters/${name}`, /^adapter_/), base })),
  ],
  'adapter in a GGUF': [
    'adapter',
    () =>
      ['f32', 'q8_0'].map((type) => ({
        ...one('adapter.gguf', bytesOf(`adapters/quantized/adapter-${type}.gguf`)),
        base: 'gguf-q8_0',
      })),
  ],
  'saved cache': ['cache', () => [savedCache()]],
  "the Hub's answer": [
    'hub',
    () => [
      one('answer.json', json(hubAnswer('config.json model.safetensors tokenizer.json', HUB_LFS))),
      one(
        'answer.json',
        json(hubAnswer('a-Q4_K_M.gguf a-Q8_0.gguf b/c-00001-of-00002.gguf b/c-00002-of-00002.gguf', HUB_LFS)),
      ),
      one('answer.json', json(hubAnswer('config.json README.md', HUB_FILE))),
    ],
  ],
}

export const FORMATS: readonly string[] = Object.keys(SAMPLES)

export function formatOf(name: string): Format {
  const [opener, samples] = SAMPLES[name]!
  return { name, opener, samples: samples() }
}
