/**
 * Many users at once against a server of its own: complete streams, aborts in mid-stream, slow readers, bad bodies.
 *
 *   npx tsx --conditions=mistral-webgpu-source bench/load.ts [--streams 64] [--minutes 10] [--sequences 16] [--model PATH] [--seed 1]
 *
 * Fails unless every complete answer (greedy, or sampled with a seed) equals the one that the server gave when it had
 * nothing else to do, no slot is left taken, the GPU holds as many bytes as before, and no request got a 5xx.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type ServeProcess, startReady } from '../test/support/serve-process.ts'
import { Client, type Reference } from './load/client.ts'
import { randomFrom, requests } from './load/requests.ts'
import { Tally } from './load/tally.ts'

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '64' },
    minutes: { type: 'string', default: '10' },
    sequences: { type: 'string', default: '16' },
    model: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
})
const [streams, minutes, seed] = [Number(values.streams), Number(values.minutes), Number(values.seed)]
const model = values.model === undefined ? [] : ['--model', values.model]

const server = await startReady(['--context', '512', '--max-sequences', values.sequences, '--queue', '48', ...model])
let failures: string[] = []
try {
  const client = new Client(server.url)
  const references = await alone(client)
  for (const count of [1, 8, 16])
    console.log(`${count} streams: ${(await throughput(client, count)).toFixed(1)} tokens/s`)
  const before = await settled(client)
  const memory = residentMiB(server)
  const tally = new Tally()
  const end = performance.now() + minutes * 60_000
  const watching = watch(client, end, tally)
  await Promise.all(Array.from({ length: streams }, (_, i) => user(client, references, seed * 1000 + i, end, tally)))
  await watching
  const after = await settled(client)
  console.log(tally.report(minutes))
  console.log(
    `GPU: ${before.gpuBytes} bytes before, ${after.gpuBytes} after; process: ${memory} MiB before, ${residentMiB(server)} after`,
  )
  failures = [...tally.failures, ...leftovers(before, after)]
} finally {
  const { code } = await server.stop()
  if (code !== 0) failures.push(`the server ended with ${code}`)
}
const errors = server.log().filter((line) => line.event === 'request' && (line.status as number) >= 500)
if (errors.length > 0) failures.push(`${errors.length} requests got a 5xx, the first: ${JSON.stringify(errors[0])}`)
for (const failure of failures.slice(0, 20)) console.error(`FAILED: ${failure}`)
console.log(failures.length === 0 ? 'passed' : `${failures.length} failures`)
process.exitCode = failures.length === 0 ? 0 : 1

/** What each request gives when nothing else runs. */
async function alone(client: Client): Promise<Reference[]> {
  const references: Reference[] = []
  for (const request of requests()) references.push({ request, text: (await client.stream(request)).text })
  console.log(`${references.length} requests answered alone`)
  return references
}

/** Tokens per second of all streams together, each with a prompt of its own. The first round warms up. */
async function throughput(client: Client, count: number): Promise<number> {
  let best = 0
  for (let round = 0; round < 3; round++) {
    const begun = performance.now()
    const answers = await Promise.all(
      Array.from({ length: count }, (_, i) =>
        client.stream({
          messages: [{ role: 'user', content: `${i}${round}: What is a mistral?` }],
          max_tokens: 64,
          temperature: 0,
          ignore_eos: true,
        }),
      ),
    )
    const tokens = answers.reduce((sum, answer) => sum + answer.tokens, 0)
    best = Math.max(best, tokens / ((performance.now() - begun) / 1000))
  }
  return best
}

/** One of many users, who does something at random, again and again. */
async function user(client: Client, references: readonly Reference[], seed: number, end: number, tally: Tally) {
  const random = randomFrom(seed)
  while (performance.now() < end) {
    const reference = references[Math.floor(random() * references.length)]!
    const what = random()
    try {
      if (what < 0.1) await tally.expectRefused(client.bad(random))
      else if (what < 0.25) await tally.aborted(client.leave(reference.request, random))
      else if (what < 0.35)
        await tally.compare(
          reference,
          client.stream(reference.request, () => delay(300 * random())),
        )
      else if (what < 0.45) await tally.compare(reference, client.whole(reference.request))
      else await tally.compare(reference, client.stream(reference.request))
    } catch (error) {
      tally.failed(`${error instanceof Error ? error.message : error}`)
    }
  }
}

async function watch(client: Client, end: number, tally: Tally): Promise<void> {
  while (performance.now() < end) {
    tally.saw(await client.status())
    await delay(1000)
  }
}

/** The server's numbers once nothing runs any more; after 30 s whatever they are. */
async function settled(client: Client) {
  for (let i = 0; i < 300; i++) {
    const status = await client.status()
    if (status.running === 0 && status.waiting === 0) return status
    await delay(100)
  }
  return client.status()
}

function leftovers(
  before: { gpuBytes: number },
  after: { running: number; waiting: number; gpuBytes: number },
): string[] {
  const found: string[] = []
  if (after.running !== 0 || after.waiting !== 0) {
    found.push(`with nobody there, ${after.running} requests run and ${after.waiting} wait`)
  }
  if (after.gpuBytes > before.gpuBytes) found.push(`the GPU holds ${after.gpuBytes - before.gpuBytes} bytes more`)
  return found
}

/** Of the server's process, where Linux tells it. */
function residentMiB({ child }: ServeProcess): number | undefined {
  try {
    const [, pages] = readFileSync(`/proc/${child.pid}/statm`, 'utf8').split(' ')
    return Math.round((Number(pages) * 4096) / 2 ** 20)
  } catch {
    return undefined
  }
}
