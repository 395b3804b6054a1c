/** Lives, one after another, with a look at what is left of them: for Node, Deno and pages. */
import { type Recipe, record, replay } from './bare.ts'
import { collectGarbage, type Life, Lifetimes, livesOf } from './lives.ts'

export interface Sample {
  readonly life: string
  readonly turn: number
  /** Objects of ended lives that are still there, by class. */
  readonly survivors: Readonly<Record<string, number>>
}

/**
 * `'bare'` makes and destroys what a model makes on its device, with WebGPU alone; `'bare answer'` dispatches it once, too:
 * drivers keep something of what ran.
 */
export type Yardstick = 'bare' | 'bare answer'

export interface LivesRequest {
  readonly lives: readonly (Life | Yardstick)[]
  /** The number of the last turn of each of them, the first being 0; or that of each by its name. */
  readonly turns: number | Readonly<Record<string, number>>
  /** What is left is looked at after the first turn, and then after every so many, or after the last alone. */
  readonly every?: number
  /** What is left may take so many milliseconds to go. 30,000 unless said. */
  readonly patienceMs?: number
}

export async function liveAgain(
  gguf: Uint8Array<ArrayBuffer>,
  { lives, turns, every, patienceMs = 30_000 }: LivesRequest,
  look: (sample: Sample) => void | Promise<void>,
): Promise<void> {
  const kinds = livesOf(gguf)
  const recipes: Partial<Record<string, Recipe>> = {}
  if (lives.includes('bare')) recipes.bare = await record(() => kinds.model(0, () => {}))
  if (lives.includes('bare answer')) recipes['bare answer'] = await record(() => kinds.chat(0, () => {}))
  const lifetimes = new Lifetimes()
  await lifetimes.watchGpu()
  for (const life of lives) {
    const last = typeof turns === 'number' ? turns : turns[life]!
    for (let turn = 0; turn <= last; turn++) {
      const recipe = recipes[life]
      if (recipe) await replay(recipe, life === 'bare answer')
      else await kinds[life as Life](turn, lifetimes.watch)
      // Native memory does not make an engine collect: what its own garbage holds would be measured as growth.
      await collectGarbage(1)
      if (turn % (every ?? last) === 0) await look({ life, turn, survivors: await lifetimes.survivors(patienceMs) })
    }
  }
}
