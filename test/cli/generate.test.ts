/** `generate` and `chat` as programs of their own. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { safetensors } from '../formats/helpers.ts'
import { root } from '../support/child.ts'
import { continuation } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'
import { pocketGguf } from '../support/pocket-gguf.ts'
import { vocabulary } from '../tokenizer/formats.ts'
import { fixtureBytes } from '../tokenizer/support.ts'
import { runCommand } from './stage.ts'

const { prompt: PROMPT, prompt_ids: PROMPT_IDS, text: CONTINUED } = continuation()
const MODEL = pocketGguf()
const ON_GGUF = ['generate', '-m', MODEL, '-p', PROMPT]
const GREEDY = [...ON_GGUF, '--raw', '--no-sample', '--ignore-eos']

/** Dawn's own warnings about the driver are not ours. */
function ours(stderr: string): string {
  return stderr.replace(/^Warning: .*\n(?: {4}at .*\n)*/gm, '')
}

describe('generate on a trained GGUF', () => {
  it('prints the text that transformers gives and ends by itself', async () => {
    const result = await runCommand([...GREEDY, '--max-new-tokens', '200', '--stats'])
    expect(result.stdout).toBe(`${CONTINUED}\n`)
    expect(ours(result.stderr)).toMatch(/^prompt 5 tokens, .*\/s; answer 200 tokens, .*; ended by length\n$/)
    expect(result).toMatchObject({ code: 0, hung: false })
  })

  it('--json prints one object with everything about the answer', async () => {
    const result = await runCommand([...GREEDY, '--max-new-tokens', '8', '--json'])
    expect(result.stdout.match(/\n/g)).toHaveLength(1)
    const answer = JSON.parse(result.stdout)
    const names = ['finish_reason', 'prompt_token_ids', 'text', 'timings', 'token_ids', 'usage']
    expect(Object.keys(answer).sort()).toEqual(names)
    expect(CONTINUED.startsWith(PROMPT + answer.text)).toBe(true)
    expect(answer.prompt_token_ids).toEqual(PROMPT_IDS)
    expect(answer.token_ids).toHaveLength(8)
    expect(answer).toMatchObject({
      finish_reason: 'length',
      usage: { prompt_tokens: answer.prompt_token_ids.length, completion_tokens: 8 },
    })
    expect(answer.timings.decodeTokensPerSecond).toBeGreaterThan(0)
  })

  it('--prompt-cache keeps the prompt from run to run, and says why a file is of no use', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'prompt-cache-'))
    try {
      const file = join(folder, 'prompt.cache')
      const run = () => runCommand([...GREEDY, '--max-new-tokens', '4', '--json', '--prompt-cache', file])
      const [first, second] = [await run(), await run()].map(({ stdout }) => JSON.parse(stdout))
      expect(first.usage.cached_tokens).toBe(0)
      expect(second).toMatchObject({ text: first.text, usage: { cached_tokens: PROMPT_IDS.length - 1 } })
      writeFileSync(file, 'no cache')
      const third = await run()
      expect(ours(third.stderr)).toMatch(/^note: .*prompt\.cache is not used: it ends 8 bytes too early\n$/)
      expect(JSON.parse(third.stdout).text).toBe(first.text)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('continues the prompt of a model without a chat template, and says so', async () => {
    const result = await runCommand([...ON_GGUF, '--no-sample', '--max-new-tokens', '5'])
    expect(CONTINUED.startsWith(result.stdout.trimEnd())).toBe(true)
    expect(ours(result.stderr)).toMatch(/^note: the model has no chat template of its own.*\n$/)
  })

  it('writes the prompt in the format of the vocabulary where the layout is the vendor’s own', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'native-'))
    try {
      const tokenizer = await vocabulary('spm-v3')
      const { vocabSize } = tokenizer
      const shapes = {
        ...{ 'tok_embeddings.weight': [vocabSize, 4], 'norm.weight': [4], 'output.weight': [vocabSize, 4] },
        ...{ 'layers.0.attention_norm.weight': [4], 'layers.0.ffn_norm.weight': [4] },
        ...Object.fromEntries(['wq', 'wk', 'wv'].map((name) => [`layers.0.attention.${name}.weight`, [2, 4]])),
        'layers.0.attention.wo.weight': [4, 2],
        ...Object.fromEntries(['w1', 'w2', 'w3'].map((name) => [`layers.0.feed_forward.${name}.weight`, [4, 4]])),
      }
      let end = 0
      const entries = Object.entries(shapes).map(([name, shape]) => {
        const begin = end
        end += 2 * shape.reduce((a, b) => a * b)
        return [name, { dtype: 'F16', shape, data_offsets: [begin, end] }]
      })
      writeFileSync(join(folder, 'consolidated.safetensors'), safetensors(Object.fromEntries(entries), end))
      const sizes = { dim: 4, n_layers: 1, head_dim: 2, hidden_dim: 4, n_heads: 1, n_kv_heads: 1, norm_eps: 1e-5 }
      writeFileSync(join(folder, 'params.json'), JSON.stringify({ ...sizes, vocab_size: vocabSize }))
      writeFileSync(join(folder, 'tokenizer.model.v3'), fixtureBytes('own-v3.model'))
      const result = await runCommand(['generate', '-m', folder, '--no-sample', '-n', '2', '--json', 'Does it blow?'])
      expect(ours(result.stderr)).toMatch(/^note: the prompt is written in the format of the model's vocabulary/)
      const [bos, begin] = JSON.parse(result.stdout).prompt_token_ids
      expect([bos, begin]).toEqual([tokenizer.bosId, tokenizer.specialTokens.get('[INST]')])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('reads a piped prompt without its last line break', async () => {
    const args = ['generate', '-m', MODEL, '-p', '-', '--raw', '--no-sample', '--max-new-tokens', '5']
    const result = await runCommand(args, { input: `${PROMPT}\n` })
    expect(CONTINUED.startsWith(result.stdout.trimEnd())).toBe(true)
  })

  it('repeats itself with a seed', async () => {
    const args = [...ON_GGUF, '--raw', '--ignore-eos', '--seed', '11', '--max-new-tokens', '20']
    const [first, second] = [await runCommand(args), await runCommand(args)]
    expect(first.stdout.length).toBeGreaterThan(PROMPT.length + 10)
    expect(second.stdout).toBe(first.stdout)
  })

  it('ends with 130 on Ctrl-C, with what there is of the text', async () => {
    const main = join(root, 'src/cli/main.ts')
    // So many that it does not end by itself before the signal comes.
    const args = [...GREEDY, '--max-new-tokens', '900']
    const child = spawn(process.execPath, ['--conditions=mistral-webgpu-source', '--import', 'tsx', main, ...args], {
      cwd: root,
    })
    let stdout = ''
    let interrupted = false
    child.stdout.on('data', (data) => {
      stdout += data
      if (stdout.length > PROMPT.length + 5 && !interrupted) interrupted = child.kill('SIGINT')
    })
    const code = await Promise.race([
      new Promise((resolve) => child.on('close', resolve)),
      delay(patience(60_000), 'hung', { ref: false }),
    ])
    child.kill('SIGKILL')
    expect(code).toBe(130)
    expect(stdout.startsWith(CONTINUED.slice(0, PROMPT.length + 5))).toBe(true)
    expect(stdout.endsWith('\n')).toBe(true)
  })

  it('refuses a context that the model does not have', async () => {
    const result = await runCommand([...GREEDY, '--context', '1000000'])
    expect(ours(result.stderr)).toMatch(/^error: option --context-length \(1000000\): .*\n$/)
    expect(result.code).toBe(2)
  })
})

describe('chat', () => {
  it('answers a pipe line by line with the built-in template, says so once, and ends', async () => {
    const args = ['chat', '-m', MODEL, '--no-sample', '--max-new-tokens', '4']
    const result = await runCommand(args, { input: 'Hello\nAnd then?\n' })
    expect(result.stdout.trimEnd().split('\n').length).toBeGreaterThanOrEqual(2)
    const [first, second, ...rest] = ours(result.stderr).split('\n')
    expect(first).toMatch(/^winds, context 1024 tokens, on \S/)
    expect([second, ...rest]).toEqual([expect.stringMatching(/^note: the model has no chat template of its own/), ''])
    expect(result).toMatchObject({ code: 0, hung: false })
  })

  it('talks to the model of the package, which has a template', async () => {
    const args = ['chat', '--no-sample', '--max-new-tokens', '6', '--context', '128']
    const result = await runCommand(args, { input: 'Hello, who are you?\n' })
    expect(result.stdout).toMatch(/^\S+ \S.*\n$/)
    expect(ours(result.stderr)).toMatch(/^pocket, context 128 tokens, on \S.*\n$/)
    expect(result).toMatchObject({ code: 0, hung: false })
  })
})
