/** Lives, one after another, with a look at what is left of them: for Node, Deno and pages. */
import { record, replay } from './bare.ts'
import { type Life, Lifetimes, livesOf } from './lives.ts'

export interface Sample {
  readonly life: string
  readonly turn: number
  /** Objects of ended lives that are still there, by class. */
  readonly survivors: Readonly<Record<string, number>>
}

export interface LivesRequest {
  /** `'bare'` makes and destroys what a model makes on its device, with WebGPU alone. */
  readonly lives: readonly (Life | 'bare')[]
  /** How often each of them is lived. */
  readonly turns: number
  /** What is left is looked at after the first turn, and then after every so many. */
  readonly every: number
}

export async function liveAgain(
  gguf: Uint8Array<ArrayBuffer>,
  { lives, turns, every }: LivesRequest,
  look: (sample: Sample) => void | Promise<void>,
): Promise<void> {
  const kinds = livesOf(gguf)
  const recipe = lives.includes('bare') ? await record(() => kinds.model(0, () => {})) : undefined
  const lifetimes = new Lifetimes()
  await lifetimes.watchGpu()
  for (const life of lives) {
    for (let turn = 0; turn <= turns; turn++) {
      if (life !== 'bare') await kinds[life](turn, lifetimes.watch)
      else if (recipe) await replay(recipe)
      if (turn % every === 0) await look({ life, turn, survivors: await lifetimes.survivors() })
    }
  }
}
