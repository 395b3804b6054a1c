/** Gives the results of a batch to the generations that had rows in it. */
import { LIST_TOO_SHORT } from '../kernels/sampler.ts'
import type { Choices } from '../model/choices.ts'
import type { Generation } from './generation.ts'
import type { BatchPlan, Share } from './planner.ts'
import { stepLogprobs } from './step-logprobs.ts'
import type { Totals } from './types.ts'

/**
 * @param choices one entry for each output row of the batch, in order
 * @returns the generations that ended with this batch
 */
export function postprocess({ shares, steps }: BatchPlan, choices: readonly Choices[], totals: Totals): Generation[] {
  const finished: Generation[] = []
  let at = 0
  for (const share of shares) {
    const { generation, epoch, outputs } = share
    const own = choices.slice(at, at + outputs)
    at += outputs
    // The generation left meanwhile, or only a part of its prompt was read.
    if (generation.epoch !== epoch || own.length === 0) continue
    const receive = (choice: Choices, step: number) => receiveChoice(generation, choice, step, totals)
    if (share.guessed.length > 0) receiveGuessed(share, own, receive)
    else receiveSteps(share, own[0]!, steps, receive)
    if (generation.done) finished.push(generation)
  }
  return finished
}

type Receive = (choice: Choices, step: number) => boolean

/** Returns whether the answer goes on with what came after this choice. */
function receiveChoice(generation: Generation, { ids, logprobs }: Choices, step: number, totals: Totals): boolean {
  if (ids[step] === LIST_TOO_SHORT) {
    generation.redoDense()
    return false
  }
  totals.generatedTokens++
  return generation.append(ids[step]!, logprobs && stepLogprobs(logprobs[step]!))
}

function receiveSteps({ generation, epoch, later }: Share, choice: Choices, steps: number, receive: Receive): void {
  for (let step = 0; step < steps; step++) {
    if ((step > 0 || later?.first) && !generation.holds(choice.ids[step]!, later)) {
      generation.dropAhead()
      return
    }
    generation.arrived()
    // Accepting a token may end the request, from inside `stopWhen` too.
    if (!receive(choice, step) || generation.epoch !== epoch) return
  }
}

/** A guess was right when the sampler chose the same token; its choice after the last right guess counts too. */
function receiveGuessed({ generation, epoch, guessed }: Share, own: readonly Choices[], receive: Receive): void {
  generation.verified(guessed.length)
  for (const [i, choice] of own.entries()) {
    const right = choice.ids[0] === guessed[i]
    if (!receive(choice, 0) || generation.epoch !== epoch || !right) return
    generation.confirm()
  }
}
