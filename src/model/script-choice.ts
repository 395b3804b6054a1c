/** Tokens chosen in JavaScript as long as the kernels that choose them are being compiled: those of the GPU, id for id. */
import { chooseToken } from '../sampling/exact-draw.ts'
import type { Batch, Row } from './batch.ts'
import type { Choices, Submitted } from './choices.ts'

/** The runner, of which the logits of batches are wanted. */
export interface LogitsRunner {
  readonly model: {
    readonly workspace: { readonly sampler: { readonly vocabSize: number; readonly positions: number } }
  }
  logits(rows: readonly Row[]): Promise<Submitted<Float32Array[]>>
  settingsOf(sequence: number): Uint32Array
  writeTokens(sequence: number, position: number, ids: readonly number[]): void
}

/**
 * As `runner.sample`, for batches without rules, masks and log-probabilities. The next batch may be submitted when it returns: what
 * was chosen is in the history then.
 */
export async function chooseInScript(
  runner: LogitsRunner,
  { rows, steps, needs }: Batch,
): Promise<Submitted<Choices[]>> {
  const { vocabSize, positions } = runner.model.workspace.sampler
  const all = needs.map((): Choices => ({ ids: new Uint32Array(steps), logprobs: undefined }))
  const outputs = rows.filter((row) => row.output)
  let begun: number | undefined
  for (let step = 0; step < steps; step++) {
    const moved = rows.map((row) => ({ ...row, position: row.position + step }))
    const { start, result } = await runner.logits(moved)
    begun ??= start
    // What fails on the device says so where results are awaited, as for any other batch.
    const logits = await result.catch(() => undefined)
    if (logits === undefined) return { start: begun, result: result.then(() => all) }
    for (const [i, { sequence, position }] of outputs.entries()) {
      const own = logits[i]!.subarray(0, vocabSize)
      const id = chooseToken(own, runner.settingsOf(sequence), position + step)
      all[i]!.ids[step] = id
      if (position + step + 1 < positions) runner.writeTokens(sequence, position + step + 1, [id])
    }
  }
  return { start: begun!, result: Promise.resolve(all) }
}
