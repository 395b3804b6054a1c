/** A page in which models live and end: whoever opens it calls `runLives`. */
import { type LivesRequest, liveAgain, type Sample } from './live-again.ts'

declare global {
  interface Window {
    /** @param gguf an address */
    runLives(gguf: string, request: LivesRequest): Promise<Sample[]>
    /** Awaited after each look, where whoever opened the page has put it. */
    look?: (sample: Sample) => Promise<void>
  }
}

window.runLives = async (gguf, request) => {
  const bytes = new Uint8Array(await (await fetch(gguf)).arrayBuffer())
  const samples: Sample[] = []
  await liveAgain(bytes, request, async (sample) => {
    samples.push(sample)
    await window.look?.(sample)
  })
  return samples
}
