/**
 * Measures what each type of weights costs: the perplexity of a text under a model as it is, rounded while loading, with a
 * cache of 16 and of 8 bits, and as each GGUF of a folder that `bench/ggml_types.py` filled. Prints a table. No times are measured.
 *
 *   npx tsx --conditions=mistral-webgpu-source bench/perplexity.ts --source models/pocket --ggufs out/ --text TEXT
 *     [--window N] [--stride N]
 *   npx tsx --conditions=mistral-webgpu-source bench/perplexity.ts --write-gguf pocket.gguf      the input of ggml_types.py
 */
import { copyFileSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { type LoadOptions, MistralModel, type Perplexity, type PerplexityOptions } from '../src/index.ts'
import { weightReadBytes } from '../src/kernels/weight.ts'
import { pocketGguf } from '../test/support/pocket-gguf.ts'

const { values } = parseArgs({
  options: {
    source: { type: 'string', default: 'models/pocket' },
    ggufs: { type: 'string' },
    text: { type: 'string', default: 'test/fixtures/perplexity/winds.txt' },
    window: { type: 'string' },
    stride: { type: 'string' },
    'write-gguf': { type: 'string' },
  },
})

interface Result {
  readonly adapter: string
  /** Bits of one weight on the GPU, all matrices together. */
  readonly bits: number
  readonly found: Perplexity
  readonly error: number | undefined
}

if (values['write-gguf'] !== undefined) copyFileSync(pocketGguf(), values['write-gguf'])
else await compare()

async function compare(): Promise<void> {
  const text = readFileSync(values.text, 'utf8')
  const number = (value: string | undefined) => (value === undefined ? undefined : Number(value))
  const options: PerplexityOptions = { window: number(values.window), stride: number(values.stride) }
  const source = await MistralModel.load(values.source)
  // One tokenizer for all, so that all are asked for the same tokens.
  const ids = source.tokenizer!.encode(text, { bos: true })
  source.dispose()
  const measured = (path: string, load: LoadOptions = {}) => measure(path, { kvCache: 'f32', ...load }, ids, options)
  const base = await measured(values.source)
  const { method, window, stride, countedTokens, windows } = base.found
  console.log(
    `${values.source}, ${basename(values.text)}: ${countedTokens} tokens counted, ${method}, window ${window}, `,
  )
  console.log(`stride ${stride} (${windows} windows), ${base.adapter}\n`)
  console.log('| weights | bits | nats per token | perplexity | more than the source | error of rounding |')
  console.log('|---|---|---|---|---|---|')
  const print = (name: string, { bits, found, error }: Result) => {
    const more = 100 * (found.perplexity / base.found.perplexity - 1)
    const perplexity = `${found.perplexity.toFixed(3)} ± ${found.perplexityError.toFixed(2)}`
    const rounding = error === undefined ? '' : `${(100 * error).toFixed(2)} %`
    console.log(
      `| ${name} | ${bits.toFixed(2)} | ${found.nll.toFixed(4)} | ${perplexity} | ${more.toFixed(2)} % | ${rounding} |`,
    )
  }
  print('the source', base)
  for (const kvCache of ['f16', 'q8'] as const)
    print(`the source, cache ${kvCache}`, await measured(values.source, { kvCache }))
  for (const weights of ['q8', 'q4'] as const)
    print(`\`weights: '${weights}'\``, await measured(values.source, { weights }))
  if (values.ggufs === undefined) return
  for (const name of readdirSync(values.ggufs).filter((name) => name.endsWith('.gguf'))) {
    const type = name.replace('.gguf', '')
    const plain = /^plain-(q.)$/.exec(type)?.[1]
    const label = plain === undefined ? `${type.toUpperCase()} of llama.cpp` : `plain rounding to ${plain}`
    print(label, await measured(join(values.ggufs, name)))
  }
}

async function measure(
  path: string,
  load: LoadOptions,
  ids: readonly number[],
  options: PerplexityOptions,
): Promise<Result> {
  const model = await MistralModel.load(path, load)
  try {
    const { tokEmbeddings, output, layers } = model.loaded.weights
    const matrices = new Set([
      ...tokEmbeddings,
      ...output,
      ...layers.flatMap(({ wqkv, wo, w13, w2 }) => [...wqkv, ...wo, ...w13, ...w2]),
    ])
    let bytes = 0
    let weights = 0
    for (const matrix of matrices) {
      bytes += weightReadBytes(matrix)
      weights += matrix.rows * matrix.cols
    }
    const found = await model.perplexity(ids, options)
    const error = model.status().quantization?.relativeError
    return { adapter: model.loaded.gpu.name, bits: (8 * bytes) / weights, found, error }
  } finally {
    model.dispose()
  }
}
