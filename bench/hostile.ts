/**
 * The processor's time that hostile schemas, patterns and grammars take until they end in an error, and where they do not, that of each call
 * while an answer of random tokens is written: compiling, and the most that a mask, a token or working ahead takes.
 *
 *   npx tsx --conditions=mistral-webgpu-source bench/hostile.ts TOKENIZER [TOKENS] [WORD] [LEAST]
 *
 * TOKENIZER is a file or folder as `Tokenizer.load` takes it. With WORD only inputs are asked whose names have it,
 * and with LEAST those shown that take as many milliseconds.
 */
import { answerConstraint } from '../src/chat/answer-constraint.ts'
import { type CallShape, toolCallTokens } from '../src/chat/tool-tokens.ts'
import type { Constraint } from '../src/constraints/constraint.ts'
import { MistralError, Tokenizer } from '../src/index.ts'
import { type HostileConstraint, hostileConstraints } from '../test/support/hostile-constraints.ts'
import { processorMs } from './processor-ms.ts'

const [path, tokens = '40', word = '', least = '0'] = process.argv.slice(2)
if (path === undefined) throw new Error('which tokenizer? npx tsx … bench/hostile.ts TOKENIZER')
const tokenizer = await Tokenizer.load(path)

function formatOf({ kind }: HostileConstraint, value: unknown) {
  if (kind !== 'schema') return { name: kind, value }
  return { name: 'response_format' as const, value: { type: 'json_schema', json_schema: { name: 's', schema: value } } }
}

let seed = 1
function random(below: number): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  return Math.floor((seed / 2 ** 32) * below)
}

/** A token of the mask; none where no token may come. */
function chosen(mask: Uint32Array): number | undefined {
  const from = random(mask.length)
  for (let i = 0; i < mask.length; i++) {
    const at = (from + i) % mask.length
    if (mask[at] === 0) continue
    const ids = Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => ((mask[at]! >>> bit) & 1) === 1)
    return at * 32 + ids[random(ids.length)]!
  }
  return undefined
}

interface Times {
  compile: number
  mask: number
  accept: number
  ahead: number
}

function timed<T>(times: Times, what: keyof Times, work: () => T): T {
  const start = processorMs()
  try {
    return work()
  } finally {
    times[what] = Math.max(times[what], processorMs() - start)
  }
}

function write(constraint: Constraint, times: Times): void {
  for (let i = 0; i < Number(tokens) && constraint.done !== true; i++) {
    const id = chosen(timed(times, 'mask', () => constraint.mask()!))
    if (id === undefined) throw new Error('no token can come')
    timed(times, 'ahead', () => constraint.prepare!())
    timed(times, 'ahead', () => constraint.expected!(7))
    timed(times, 'accept', () => constraint.accept(id))
  }
}

type Shape = 'format' | 'strict tool' | 'tool'

async function ask(input: HostileConstraint, shape: Shape): Promise<{ times: Times; end: string }> {
  const times: Times = { compile: 0, mask: 0, accept: 0, ahead: 0 }
  const value = input.make()
  const shared = { thinking: undefined, begins: false, prefix: '' }
  const start = processorMs()
  try {
    const tools = shape === 'format' ? undefined : toolOf(value, shape === 'strict tool')
    const made = await answerConstraint(tokenizer, tokenizer.endIds, {
      ...shared,
      format: tools === undefined ? formatOf(input, value) : undefined,
      tools,
    })
    times.compile = processorMs() - start
    write(made(), times)
    return { times, end: 'an answer' }
  } catch (error) {
    if (times.compile === 0) times.compile = processorMs() - start
    if (!(error instanceof MistralError)) return { times, end: `NOT TYPED: ${(error as Error).stack}` }
    return { times, end: error.message.slice(-100).replace(/\s+/g, ' ') }
  }
}

/** A tool that must be called, twice if it likes, with these parameters. */
function toolOf(value: unknown, strict: boolean): CallShape {
  const tokens = toolCallTokens(tokenizer) ?? { begin: 0, named: false, controls: new Map() }
  const tool = { type: 'function', function: { name: 'f', parameters: value as object, strict } } as const
  return { list: [tool], tokens, maxCalls: 2, begun: 'calls' }
}

await ask({ name: 'warm', kind: 'schema', make: () => ({ type: 'object' }) }, 'format')
await ask({ name: 'warm', kind: 'grammar', make: () => 'root ::= "a" root? "b"' }, 'format')
await ask({ name: 'warm', kind: 'regex', make: () => '(a|b)+' }, 'format')
const most: Times = { compile: 0, mask: 0, accept: 0, ahead: 0 }
for (const shape of ['format', 'strict tool', 'tool'] as const) {
  for (const input of hostileConstraints().filter(({ name }) => name.includes(word))) {
    if (shape !== 'format' && input.kind !== 'schema') continue
    const { times, end } = await ask(input, shape)
    for (const what of Object.keys(most) as (keyof Times)[]) most[what] = Math.max(most[what], times[what])
    if (Math.max(...Object.values(times)) < Number(least)) continue
    const cells = Object.values(times).map((ms) => ms.toFixed(1).padStart(7))
    console.log(`${cells.join(' ')}  ${(shape === 'format' ? input.kind : shape).padEnd(11)} ${input.name}: ${end}`)
  }
}
console.log(
  Object.entries(most)
    .map(([what, ms]) => `${what} ${ms.toFixed(1)} ms`)
    .join(', '),
  'at most',
)
