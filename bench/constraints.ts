/**
 * Times what a JSON schema costs each token of an answer: to compile it, to make a mask, to take a token. Beside it the same of
 * `@mlc-ai/web-xgrammar`, where `npm install --prefix bench` has put it. No model and no GPU take part.
 *
 *   npx tsx --conditions=mistral-webgpu-source bench/constraints.ts TOKENIZER [ROUNDS]
 *
 * TOKENIZER is a file or folder as `Tokenizer.load` takes it. Each round has names of its own in its schemas, so that nothing but
 * what does not depend on the schema is known from the round before; the first two rounds warm the machine up.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { controlBytes } from '../src/constraints/control.ts'
import { Engine } from '../src/constraints/engine.ts'
import { compileSchema } from '../src/constraints/json-schema.ts'
import { Tokenizer } from '../src/index.ts'

const [path, rounds = '12'] = process.argv.slice(2)
if (path === undefined) throw new Error('which tokenizer? npx tsx … bench/constraints.ts TOKENIZER')

/** A schema and an answer, with names that end in `n`. */
type Case = (n: number) => { readonly name: string; readonly schema: object; readonly answer: unknown }

const object = (properties: object) => {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false }
}
const CASES: readonly Case[] = [
  (n) => ({
    name: 'person',
    schema: object({
      [`name${n}`]: { type: 'string' },
      [`age${n}`]: { type: 'integer' },
      [`tags${n}`]: { type: 'array', items: { type: 'string' } },
      [`address${n}`]: object({ street: { type: 'string' }, city: { type: 'string' }, zip: { type: 'string' } }),
    }),
    answer: {
      [`name${n}`]: 'Ada Lovelace',
      [`age${n}`]: 36,
      [`tags${n}`]: ['mathematics', 'poetry', 'analytical engines'],
      [`address${n}`]: { street: '12 St. James’s Square', city: 'London', zip: 'SW1Y 4JH' },
    },
  }),
  (n) => ({
    name: 'review',
    schema: object({
      [`sentiment${n}`]: { enum: ['positive', 'negative', 'neutral', 'mixed'] },
      [`score${n}`]: { type: 'number' },
      [`summary${n}`]: { type: 'string' },
      [`quotes${n}`]: { type: 'array', items: object({ text: { type: 'string' }, page: { type: 'integer' } }) },
    }),
    answer: {
      [`sentiment${n}`]: 'mixed',
      [`score${n}`]: 3.5,
      [`summary${n}`]: 'The plot holds together, though the middle drags; the prose is a pleasure to read throughout.',
      [`quotes${n}`]: [
        { text: 'It was the best of times, it was the worst of times', page: 1 },
        { text: 'Il pleut encore à Paris, où naît l’été', page: 214 },
      ],
    },
  }),
  (n) => ({
    name: 'bounded',
    schema: object({
      [`id${n}`]: { type: 'string', pattern: '^[A-Z]{3}-[0-9]{4}$' },
      [`title${n}`]: { type: 'string', minLength: 1, maxLength: 80 },
      [`when${n}`]: { type: 'string', format: 'date-time' },
      [`level${n}`]: { type: 'integer', minimum: 1, maximum: 10 },
    }),
    answer: {
      [`id${n}`]: 'ABC-0042',
      [`title${n}`]: 'A title of ordinary length, as people write them',
      [`when${n}`]: '2026-11-29T18:30:00Z',
      [`level${n}`]: 7,
    },
  }),
]

interface Times {
  readonly compile: number
  readonly masks: readonly number[]
  readonly accepts: readonly number[]
  /** What is worked out ahead after each token: the token loop asks for it while the GPU computes. */
  readonly ahead: readonly number[]
}

type Run = (schema: object, ids: readonly number[]) => Promise<Times>

function median(values: readonly number[], share = 0.5): number {
  return [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]!
}

function ours(tokenizer: Tokenizer): (prepared: boolean) => Run {
  const engine = new Engine({
    size: tokenizer.vocabSize,
    bytes: (id) => (tokenizer.isControl(id) ? controlBytes(id) : tokenizer.tokenBytes(id)),
    endIds: tokenizer.endIds,
  })
  const start = performance.now()
  engine
    .compile(undefined, () => compileSchema(true), false)()
    .mask()
  console.log(
    `vocabulary of ${tokenizer.vocabSize} tokens: ${(performance.now() - start).toFixed(0)} ms, once for a model`,
  )
  return (prepared) => async (schema, ids) => {
    const begin = performance.now()
    const constraint = engine.compile(undefined, (budget) => compileSchema(schema, { budget }), false)()
    const compile = performance.now() - begin
    const masks: number[] = []
    const accepts: number[] = []
    const ahead: number[] = []
    for (const id of ids) {
      const before = performance.now()
      constraint.mask()
      const between = performance.now()
      constraint.accept(id)
      const after = performance.now()
      if (prepared) constraint.prepare()
      masks.push(between - before)
      accepts.push(after - between)
      ahead.push(performance.now() - after)
    }
    if (!constraint.complete) throw new Error('the answer is not complete')
    return { compile, masks, accepts, ahead }
  }
}

/** The peer's package says that it is a module, and is a script that calls `require`: Node's own import of it throws. */
// biome-ignore lint/suspicious/noExplicitAny: the peer is not there when types are checked.
function loadPeer(): any {
  const require = createRequire(import.meta.url)
  let file: string
  try {
    file = require.resolve('@mlc-ai/web-xgrammar')
  } catch {
    return undefined
  }
  const exports = {}
  const script = new Function('exports', 'module', 'require', '__filename', '__dirname', readFileSync(file, 'utf8'))
  script.call(exports, exports, { exports }, require, file, dirname(file))
  return exports
}

/** undefined where it is not installed. */
async function xgrammar(tokenizer: Tokenizer): Promise<Run | undefined> {
  const peer = loadPeer()
  if (peer === undefined) return undefined
  const tokens = Array.from({ length: tokenizer.vocabSize }, (_, id) => tokenizer.idToToken(id) ?? '')
  const kind = tokenizer.alphabet === 'bytes' ? 'byte_level' : 'byte_fallback'
  const info = await peer.TokenizerInfo.createTokenizerInfo(tokens, kind, false, tokens.length, [...tokenizer.endIds])
  const compiler = await peer.GrammarCompiler.createGrammarCompiler(info)
  return async (schema, ids) => {
    const begin = performance.now()
    const compiled = await compiler.compileJSONSchema(JSON.stringify(schema))
    const compile = performance.now() - begin
    const matcher = await peer.GrammarMatcher.createGrammarMatcher(compiled)
    const masks: number[] = []
    const accepts: number[] = []
    for (const id of ids) {
      const before = performance.now()
      await matcher.getNextTokenBitmask()
      const between = performance.now()
      if (!matcher.acceptToken(id)) throw new Error(`the peer refuses token ${id}`)
      masks.push(between - before)
      accepts.push(performance.now() - between)
    }
    matcher.dispose()
    compiled.dispose()
    return { compile, masks, accepts, ahead: [] }
  }
}

const tokenizer = await Tokenizer.load(path)
const own = ours(tokenizer)
const runs = new Map<string, Run>([
  ['mistral-webgpu', own(true)],
  ['nothing ahead', own(false)],
])
const peer = await xgrammar(tokenizer)
if (peer === undefined) console.log('@mlc-ai/web-xgrammar is not installed: npm install --prefix bench')
else runs.set('web-xgrammar', peer)

const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0)
/** Each run has names of its own, so that nothing that depends on the schema is known from another one. */
let fresh = 0
for (const make of CASES) {
  for (const [who, run] of runs) {
    const all: Times[] = []
    for (let round = 0; round < Number(rounds) + 2; round++) {
      const { schema, answer } = make(100 + fresh++)
      const times = await run(schema, tokenizer.encode(JSON.stringify(answer)))
      if (round >= 2) all.push(times)
    }
    const masks = all.flatMap((times) => times.masks)
    const accepts = all.flatMap((times) => times.accepts)
    const us = (ms: number) => (ms * 1000).toFixed(1).padStart(7)
    console.log(
      `${make(0).name.padEnd(8)} ${who.padEnd(15)} compile ${median(all.map(({ compile }) => compile))
        .toFixed(2)
        .padStart(8)} ms` +
        `   mask mean ${us(sum(masks) / masks.length)} median ${us(median(masks))} p95 ${us(median(masks, 0.95))} µs` +
        `   accept mean ${us(sum(accepts) / accepts.length)} median ${us(median(accepts))} µs` +
        `   ahead ${(sum(all.flatMap((times) => times.ahead)) / all.length).toFixed(1)} ms an answer`,
    )
  }
}
