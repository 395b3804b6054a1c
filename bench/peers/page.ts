/** The program of the page: an engine of the web, asked for answers. Peers come from the addresses under which they are served. */
import { MistralModel } from '../../src/index.ts'
import type { PageGlobals, PageOptions } from './browser.ts'
import { type Job, type ModelJob, promptIds, type Times, timesOf } from './jobs.ts'

type Run = (job: ModelJob, salt: number) => Promise<Times>
type Opened = { readonly name: string; readonly run: Run }

// biome-ignore lint/suspicious/noExplicitAny: the project does not have the packages' types
const load = (address: string): Promise<any> => import(/* @vite-ignore */ address)

/** Engines that take texts alone get words; each is a token or two in most vocabularies. */
function words(job: ModelJob, salt: number): string {
  return [`${salt}.`, ...Array.from({ length: job.prompt - 3 }, () => 'wind')].join(' ')
}

async function ours({ model }: PageOptions): Promise<Opened> {
  const loaded = await MistralModel.load(new URL(model, location.href), { contextLength: 1024 })
  return {
    name: 'this build',
    async run({ prompt, tokens }, salt) {
      const arrivals: number[] = []
      const params = { do_sample: false, max_tokens: tokens, ignore_eos: true }
      const start = performance.now()
      for await (const _ of loaded.generate(promptIds(prompt, salt), params)) arrivals.push(performance.now())
      return timesOf(start, arrivals)
    },
  }
}

async function wllama({ model }: PageOptions): Promise<Opened> {
  const { Wllama } = await load('/peers/@wllama/wllama/esm/index.js')
  const engine = new Wllama({ default: '/peers/@wllama/wllama/esm/wasm/wllama.wasm' }, { suppressNativeLog: true })
  const bytes = await (await fetch(model)).blob()
  const threads = navigator.hardwareConcurrency
  await engine.loadModel([bytes], { n_ctx: 1024, n_threads: threads })
  return {
    name: `wllama, ${threads} threads`,
    async run(job, salt) {
      const arrivals: number[] = []
      const start = performance.now()
      await engine.createCompletion({
        ...{ prompt: words(job, salt), max_tokens: job.tokens, temperature: 0, ignore_eos: true, cache_prompt: false },
        ...{ stream: true, onData: () => arrivals.push(performance.now()) },
      })
      // The last piece says why the answer ended.
      return timesOf(start, arrivals.slice(0, job.tokens))
    },
  }
}

/** @param library the folder of a model in ONNX */
async function transformers({ library }: PageOptions): Promise<Opened> {
  if (library === '') throw new Error('needs --library transformers=FOLDER of a model in ONNX')
  const { env, pipeline, TextStreamer } = await load('/peers/@huggingface/transformers/dist/transformers.web.js')
  Object.assign(env, { allowRemoteModels: false, localModelPath: '/library/' })
  env.backends.onnx.wasm.wasmPaths = '/peers/onnxruntime-web/dist/'
  const generate = await pipeline('text-generation', '', { device: 'webgpu' })
  return {
    name: `transformers.js ${env.version}`,
    async run(job, salt) {
      const arrivals: number[] = []
      const streamer = new TextStreamer(generate.tokenizer, {
        ...{ skip_prompt: true, callback_function: () => {} },
        token_callback_function: () => arrivals.push(performance.now()),
      })
      const start = performance.now()
      const length = { max_new_tokens: job.tokens, min_new_tokens: job.tokens }
      await generate(words(job, salt), { ...length, do_sample: false, streamer })
      return timesOf(start, arrivals)
    },
  }
}

/** @param more `MODEL URL`, its compiled library's URL: web-llm has both from its user */
async function webLlm({ library, more: [model, compiled] }: PageOptions): Promise<Opened> {
  if (library === '' || !model || !compiled) throw new Error('needs --library web-llm=INDEX.js,MODEL_URL,WASM_URL')
  const { CreateMLCEngine } = await load(`/library/${library}`)
  const appConfig = { model_list: [{ model, model_id: 'model', model_lib: compiled }] }
  const engine = await CreateMLCEngine('model', { appConfig })
  return {
    name: 'web-llm',
    async run(job, salt) {
      const arrivals: number[] = []
      const start = performance.now()
      const request = {
        prompt: words(job, salt),
        max_tokens: job.tokens,
        temperature: 0,
        ignore_eos: true,
        stream: true,
      }
      for await (const _ of await engine.completions.create(request)) arrivals.push(performance.now())
      return timesOf(start, arrivals.slice(0, job.tokens))
    },
  }
}

let opened: Opened | undefined
let salt = 0
Object.assign(globalThis, {
  async openEngine(options: PageOptions) {
    opened = await { ours, wllama, transformers, 'web-llm': webLlm }[options.engine](options)
    return opened.name
  },
  runJob: (job: Job) => opened!.run(job as ModelJob, ++salt),
} satisfies PageGlobals)
