/** What `processLogits` is given is checked before anything is computed. */
import { expect, test } from 'vitest'
import { ParameterError, processLogits } from '../../src/index.ts'

const LOGITS = Float32Array.of(1, 2, 3, 4)
const CONTEXT = { promptLength: 1 }
type Given = Partial<Parameters<typeof processLogits>>

test.each<[string, unknown[]]>([
  ['logits', []],
  ['logits', [[1, 2, 3]]],
  ['logits', [new Float32Array(0), [], {}, CONTEXT]],
  ['tokens', [LOGITS]],
  ['tokens', [LOGITS, 'ab', {}, CONTEXT]],
  ['tokens', [LOGITS, [1, 4], {}, CONTEXT]],
  ['tokens', [LOGITS, [1.5], {}, CONTEXT]],
  ['context', [LOGITS, [1], {}]],
  ['context', [LOGITS, [1], {}, null]],
  ['context.promptLength', [LOGITS, [1], {}, {}]],
  ['context.promptLength', [LOGITS, [1], {}, { promptLength: 2 }]],
  ['context.eosTokenId', [LOGITS, [1], {}, { promptLength: 1, eosTokenId: 'x' }]],
  ['context.eosTokenId', [LOGITS, [1], {}, { promptLength: 1, eosTokenId: [2, -1] }]],
])('%s is refused: %j', (parameter, given) => {
  const run = () => processLogits(...(given as Required<Given>))
  expect(run).toThrow(ParameterError)
  expect(run).toThrow(expect.objectContaining({ parameter }))
})

test('good arguments give probabilities', () => {
  expect([...processLogits(LOGITS, [1], { do_sample: false }, { promptLength: 1, eosTokenId: [2] })]).toEqual([
    0, 0, 0, 1,
  ])
})
