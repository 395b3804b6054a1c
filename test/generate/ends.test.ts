/** Which tokens end an answer, and vocabularies that do not fit a model. */
import { describe, expect, it } from 'vitest'
import { TokenizerError } from '../../src/errors.ts'
import { openSource } from '../../src/formats/source.ts'
import { MistralModel } from '../../src/generate/mistral-model.ts'
import { openCheckpoint } from '../../src/model/checkpoint.ts'
import { disabledFeatures } from '../support/features.ts'
import { fixture } from '../support/fixtures.ts'
import { runAll } from './support.ts'

const ROWS = 96

/** The model of a fixture, with a vocabulary of as many tokens as it has rows; the names given are the last of them. */
async function load(names: readonly string[], rows = ROWS): Promise<MistralModel> {
  const files = await openSource(`${fixture('gguf-f32').path}/model.gguf`)
  try {
    const checkpoint = await openCheckpoint(files)
    const tokens = Array.from({ length: rows }, (_, id) => names[id - (rows - names.length)] ?? `t${id}`)
    const gguf = new Map(checkpoint.gguf)
    gguf.set('tokenizer.ggml.tokens', tokens)
    gguf.set(
      'tokenizer.ggml.scores',
      tokens.map(() => 0),
    )
    gguf.set(
      'tokenizer.ggml.token_type',
      tokens.map(() => 1),
    )
    return await MistralModel.fromCheckpoint({ ...checkpoint, gguf }, { disableFeatures: disabledFeatures() })
  } finally {
    await files.close()
  }
}

describe('a GGUF', () => {
  it('ends answers with any token that its name makes an end of turn, and with no other', async () => {
    using model = await load(['<|im_start|>', '<|eot_id|>', '<|im_end|>'])
    for (const [id, reason] of [
      [95, 'stop'],
      [94, 'stop'],
      [2, 'stop'],
      [93, 'length'],
      [40, 'length'],
    ] as const) {
      const { ids, summary } = await runAll(model, [1, 5, 6], {
        max_tokens: 3,
        do_sample: false,
        logit_bias: { [id]: 100 },
      })
      expect([ids, summary.finishReason], `token ${id}`).toEqual([reason === 'stop' ? [id] : [id, id, id], reason])
    }
  })

  it('with more tokens than the model has rows is refused, and the error names the first of them', async () => {
    const refused = load(['<|im_end|>'], ROWS + 1)
    await expect(refused).rejects.toThrow(TokenizerError)
    await expect(refused).rejects.toThrow('token 96 ("<|im_end|>") is beyond the model\'s embedding, which has 96 rows')
  })
})
