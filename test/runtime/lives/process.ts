/** A process of Node or Deno in which models live and end. Arguments: a GGUF, and a `LivesRequest` as JSON. */
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { liveAgain, type Sample } from './live-again.ts'

/** One line of output for each look. */
export interface ProcessSample extends Sample {
  /** Bytes of the process in memory, and of JavaScript's heap. */
  readonly rss: number
  readonly heap: number
}

const [gguf, request] = process.argv.slice(2)
await liveAgain(new Uint8Array(readFileSync(gguf!)), JSON.parse(request!), (sample) => {
  const { rss, heapUsed: heap } = process.memoryUsage()
  const line: ProcessSample = { ...sample, rss, heap }
  console.log(JSON.stringify(line))
})
