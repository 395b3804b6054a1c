/** llama.cpp on the CPU, through node-llama-cpp. */
import { availableParallelism } from 'node:os'
import { type Contestant, type ModelJob, type OpenOptions, peer, promptIds, timesOf } from './jobs.ts'

export async function open({ model }: OpenOptions): Promise<Contestant> {
  const { getLlama } = await peer('node-llama-cpp')
  const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error' })
  const loaded = await llama.loadModel({ modelPath: model })
  const threads = availableParallelism()
  const context = await loaded.createContext({ contextSize: 1024, threads })
  const sequence = context.getSequence()
  let salt = 0
  return {
    name: `llama.cpp (node-llama-cpp), CPU, ${threads} threads`,
    async run(job) {
      const { prompt, tokens } = job as ModelJob
      await sequence.clearHistory()
      const arrivals: number[] = []
      const start = performance.now()
      const answer = sequence.evaluate(promptIds(prompt, ++salt), { temperature: 0, yieldEogToken: true })
      for await (const _ of answer) {
        arrivals.push(performance.now())
        if (arrivals.length === tokens) break
      }
      return timesOf(start, arrivals)
    },
  }
}
