/**
 * Random schemas on a real model at a temperature where it writes anything: a finished answer is valid by ajv, one that is cut off is the
 * beginning of one. With SCHEMAS=2000 in the environment there are as many (and SEED chooses others).
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compileSchema } from '../../src/constraints/json-schema.ts'
import { MistralChat, ParameterError } from '../../src/index.ts'
import { automatonOf, bytesOf, randomOf, run } from '../constraints/support.ts'
import { disabledFeatures } from '../support/features.ts'
import { patience } from '../support/patience.ts'
import { randomSchema } from '../support/random-schemas.ts'
import { SchemaOracle } from '../support/schema-oracle.ts'

const COUNT = Number(process.env.SCHEMAS ?? 24)
const SEED = Number(process.env.SEED ?? 1)
const TOGETHER = 8

let chat: MistralChat
beforeAll(async () => {
  chat = await MistralChat.load('pocket', { disableFeatures: disabledFeatures(), maxSequences: TOGETHER })
}, patience(240_000))
afterAll(() => chat?.dispose())

test(`${COUNT} random schemas hold their answers`, { timeout: patience(300_000) + COUNT * 10_000 }, async () => {
  const counts = { finished: 0, cut: 0, refused: 0, unsure: 0 }
  const answer = async (seed: number): Promise<void> => {
    const schema = randomSchema(randomOf(seed))
    const where = `seed ${seed}: ${JSON.stringify(schema)}`
    const request = {
      messages: [{ role: 'user', content: 'Write something.' }],
      temperature: 1.5,
      top_k: 0,
      top_p: 1,
      seed,
      max_tokens: 60,
      response_format: { type: 'json_schema', json_schema: { name: 's', schema: schema as object } },
    } as const
    let text: string
    let reason: string
    try {
      const result = await chat.complete(request)
      text = result.text
      reason = result.finish_reason
    } catch (error) {
      if (!(error instanceof ParameterError)) throw new Error(where, { cause: error })
      counts.refused++
      return
    }
    if (reason === 'stop') {
      const valid = new SchemaOracle(schema).verdict(text)
      if (valid === false) throw new Error(`${where}\najv refuses ${text}`)
      counts[valid ? 'finished' : 'unsure']++
    } else {
      // The last character of a text that is cut off may be half a character, which is not shown.
      const alive = run(automatonOf(compileSchema(schema)), bytesOf(text)).alive
      if (!alive) throw new Error(`${where}\nno answer begins with ${text}`)
      counts.cut++
    }
  }
  for (let i = 0; i < COUNT; i += TOGETHER) {
    const seeds = Array.from({ length: Math.min(TOGETHER, COUNT - i) }, (_, j) => SEED * 1_000_000 + i + j)
    await Promise.all(seeds.map(answer))
  }
  if (process.env.SCHEMAS !== undefined) console.log(counts)
  expect(counts.finished).toBeGreaterThan(COUNT / 3)
  expect(counts.refused).toBeLessThan(COUNT / 5)
})
