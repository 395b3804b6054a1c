/** Lives that end: what a program does with models again and again, and what is left of it. For Node, Deno and pages. */
import { platform } from '#platform'
import { MistralChat, MistralError, MistralModel, type ModelSource, Tokenizer } from '../../../src/index.ts'
import { createApp } from '../../../src/server/index.ts'

export const LIVES = ['model', 'chat', 'tokenizer', 'aborted', 'refused', 'server'] as const
export type Life = (typeof LIVES)[number]

/** One life from beginning to end; `turn` counts them, so that they can differ. */
export type Live = (turn: number, watch: (object: object) => void) => Promise<void>

/** @param gguf a chat model's only file */
export function livesOf(gguf: Uint8Array<ArrayBuffer>): Record<Life, Live> {
  const source = openerOf(gguf)
  const greedy = { do_sample: false, max_tokens: 4, ignore_eos: true }
  return {
    async model(_, watch) {
      const model = await MistralModel.load(source)
      watch(model)
      model.dispose()
    },
    async chat(turn, watch) {
      const chat = await MistralChat.load(source)
      watch(chat)
      watch(chat.tokenizer)
      await chat.model.logits([1, 2])
      const answer = chat.generate({ prompt: 'Once', ...greedy })
      // A whole answer, one that its reader leaves, and one that is still running at the end.
      if (turn % 3 === 0) for await (const _chunk of answer);
      else if (turn % 3 === 1) for await (const _chunk of answer) break
      else await answer.next()
      chat.dispose()
    },
    async tokenizer(_, watch) {
      const tokenizer = await Tokenizer.load(source)
      watch(tokenizer)
      tokenizer.decode(tokenizer.encode('Once upon a time'))
    },
    async aborted(turn) {
      const stop = new AbortController()
      const phase = (['open', 'weights', 'compile'] as const)[turn % 3]
      const onProgress = (progress: { phase: string }) => progress.phase === phase && stop.abort()
      await expectRefusal(MistralChat.load(source, { signal: stop.signal, onProgress }), 'AbortError')
    },
    async refused(turn) {
      // The header ends early; the tensors do; reading fails on the way to the GPU; an option is none.
      if (turn % 4 === 0) await expectRefusal(MistralChat.load(openerOf(gguf.subarray(0, 3000))))
      else if (turn % 4 === 1) await expectRefusal(MistralModel.load(openerOf(gguf.subarray(0, gguf.length - 4096))))
      else if (turn % 4 === 2) await expectFailureOnTheWay(gguf)
      else await expectRefusal(MistralModel.load(source, { contextLength: 1e9 }), 'ParameterError')
    },
    async server(_, watch) {
      const chat = await MistralChat.load(source)
      const app = createApp(chat)
      watch(chat)
      watch(app)
      const request = { model: 'mistral', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 3, stream: true }
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(request) }
      const path = '/v1/chat/completions'
      if (platform.name === 'browser') {
        await expectAnswer(await app.fetch(new Request(`http://localhost${path}`, init)))
      } else {
        const server = await platform.serveHttp((asked) => app.fetch(asked), { host: '127.0.0.1', port: 0 })
        await expectAnswer(await fetch(`${server.url}${path}`, init))
        await server.close(1000)
      }
      chat.dispose()
    },
  }
}

function openerOf(gguf: Uint8Array<ArrayBuffer>): Exclude<ModelSource, string> {
  return { open: (name: string) => (name === 'model.gguf' ? gguf : undefined), list: () => ['model.gguf'] }
}

/** Reading fails after the first weights have come to the GPU. */
async function expectFailureOnTheWay(gguf: Uint8Array<ArrayBuffer>): Promise<void> {
  let gone = false
  const read = async (offset: number, length: number) => {
    if (gone) throw new Error('the disk is gone')
    return gguf.subarray(offset, offset + length)
  }
  const file = { size: gguf.length, read }
  const source = { open: (name: string) => (name === 'model.gguf' ? file : undefined), list: () => ['model.gguf'] }
  const onProgress = ({ phase }: { phase: string }) => {
    gone = phase === 'weights'
  }
  await expectRefusal(MistralModel.load(source, { onProgress }), 'CheckpointError')
  if (!gone) throw new Error('the load failed before the weights')
}

async function expectAnswer(response: Response): Promise<void> {
  const text = await response.text()
  if (!response.ok || !text.includes('[DONE]')) throw new Error(`the server answered ${response.status}: ${text}`)
}

async function expectRefusal(promise: Promise<{ dispose?(): void }>, name?: string): Promise<void> {
  let error: unknown
  try {
    ;(await promise).dispose?.()
  } catch (caught) {
    error = caught
  }
  if (!(error instanceof MistralError) || (name !== undefined && error.name !== name)) {
    throw new Error(`expected ${name ?? 'a refusal'}, got ${error}`)
  }
}

const GPU_OBJECTS = [
  'createBuffer',
  'createShaderModule',
  'createBindGroupLayout',
  'createPipelineLayout',
  'createBindGroup',
  'createComputePipelineAsync',
] as const

/** Weak references to objects, which count those that live on. */
export class Lifetimes {
  private refs: { name: string; ref: WeakRef<object> }[] = []

  readonly watch = (object: object): void => {
    this.refs.push({ name: object.constructor.name, ref: new WeakRef(object) })
  }

  /** Watches every device that is opened from now on, and all that is made on it. */
  async watchGpu(): Promise<void> {
    const adapter = await (await platform.openGpu()).requestAdapter()
    if (!adapter) throw new Error('there is no adapter')
    const device = await adapter.requestDevice()
    const { watch } = this
    const [adapters, devices] = [Object.getPrototypeOf(adapter), Object.getPrototypeOf(device)]
    for (const [prototype, name] of [
      [adapters, 'requestDevice'],
      ...GPU_OBJECTS.map((name) => [devices, name] as const),
    ] as const) {
      const original = prototype[name]
      prototype[name] = function (this: unknown, ...args: unknown[]) {
        const made = original.apply(this, args)
        if (made instanceof Promise) made.then(watch, () => undefined)
        else watch(made)
        return made
      }
    }
    device.destroy()
  }

  /**
   * After collections: how many objects live on, by class. Needs `--expose-gc`. A pipeline that a lost device still compiles
   * holds what it was to be bound to, on a software adapter for seconds: nothing counts before the end of `patienceMs`.
   */
  async survivors(patienceMs: number): Promise<Record<string, number>> {
    const end = performance.now() + patienceMs
    do {
      await collectGarbage(6)
      this.refs = this.refs.filter(({ ref }) => ref.deref() !== undefined)
    } while (this.refs.length > 0 && performance.now() < end)
    const counts: Record<string, number> = {}
    for (const { name } of this.refs) counts[name] = (counts[name] ?? 0) + 1
    return counts
  }
}

/** Finalizers of native objects run between tasks, and free what the next collection finds. */
export async function collectGarbage(times: number): Promise<void> {
  const { gc } = globalThis as { gc?: (options: object) => Promise<void> }
  if (gc === undefined) throw new Error('start the runtime with --expose-gc')
  // A collection alone does not keep Deno from ending.
  const alive = setInterval(() => {}, 1000)
  for (let i = 0; i < times; i++) {
    // Between tasks: browsers take what looks like a reference on the stack for one.
    await gc({ type: 'major', execution: 'async' })
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  clearInterval(alive)
}
