/** Opens changed files as a load does: headers, plan, weights, vocabularies. Nothing of it needs a GPU that computes. */
import type { FileOpener } from '../../../src/formats/file-opener.ts'
import { listRepository } from '../../../src/formats/hub/api.ts'
import { chooseForm } from '../../../src/formats/hub/choose.ts'
import { openSource } from '../../../src/formats/source.ts'
import { readSource } from '../../../src/generate/saved-cache.ts'
import type { Gpu } from '../../../src/gpu/device.ts'
import { ledgerOf } from '../../../src/gpu/ledger.ts'
import { openGpu } from '../../../src/gpu/open.ts'
import { openAdapter } from '../../../src/model/adapter-file.ts'
import { readAdapter } from '../../../src/model/adapter-weights.ts'
import { ALLOCATION } from '../../../src/model/allocation.ts'
import { openCheckpoint } from '../../../src/model/checkpoint.ts'
import type { ModelConfig } from '../../../src/model/config.ts'
import { planOf } from '../../../src/model/planned-load.ts'
import { Tokenizer } from '../../../src/tokenizer/tokenizer.ts'
import { fixture } from '../fixtures.ts'
import type { Opener, Sample } from './formats.ts'

export type Files = Pick<Sample, 'files' | 'named' | 'base'>

let device: Promise<Gpu> | undefined
/** Dawn's null backend has limits and features, and computes nothing. */
const gpu = () => {
  device ??= openGpu({ backend: 'null' })
  return device
}

/** Lets the process end. */
export async function closeDevice(): Promise<void> {
  const opened = await device
  device = undefined
  opened?.dispose()
}

function sourceOf({ files, named }: Files): FileOpener | File {
  if (named !== undefined && files.size === 1) return new File([files.get(named)!], named)
  return { open: (name) => files.get(name), list: () => files.keys() }
}

export const OPENERS: Readonly<Record<Opener, (files: Files) => Promise<void>>> = {
  async model(files) {
    const source = await openSource(sourceOf(files))
    try {
      const checkpoint = await openCheckpoint(source)
      const options = { weights: 'native' } as const
      const device = await gpu()
      const plan = await planOf({ gpu: device, checkpoint, options, code: ALLOCATION })
      if (!(plan.memory.total > 0 && Number.isSafeInteger(plan.memory.total)))
        throw new Error(`plans ${plan.memory.total}`)
      await ALLOCATION.loadWeights(ledgerOf(device), checkpoint, options)
    } finally {
      await source.close()
    }
  },
  async tokenizer(files) {
    const tokenizer = await Tokenizer.load(sourceOf(files))
    const text = ' Hello, Wörld!\n\t🙂 1234 </s>[INST] '
    const ids = tokenizer.encode(text, { bos: true })
    const bad = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= tokenizer.vocabSize)
    if (bad !== undefined) throw new Error(`the id ${bad} of ${tokenizer.vocabSize}`)
    tokenizer.decode(ids)
    tokenizer.decode(Array.from({ length: Math.min(tokenizer.vocabSize, 300) }, (_, id) => id))
  },
  async adapter(files) {
    const config = await configOf(files.base!)
    const source = await openSource(sourceOf(files))
    try {
      await readAdapter(config, await openAdapter(source, config), undefined)
    } finally {
      await source.close()
    }
  },
  async cache({ files }) {
    for (const bytes of files.values()) await readSource(bytes, undefined)
  },
  async hub({ files }) {
    const before = globalThis.fetch
    globalThis.fetch = async () => new Response([...files.values()][0])
    try {
      const name = { repository: 'owner/name', revision: 'main', pick: undefined, isExplicit: true }
      const listing = await listRepository(name, { endpoint: 'http://127.0.0.1', token: undefined })
      chooseForm('owner/name', listing.files, undefined, 2 ** 32)
    } finally {
      globalThis.fetch = before
    }
  },
}

const configs = new Map<string, Promise<ModelConfig>>()

function configOf(base: string): Promise<ModelConfig> {
  const read = async () => {
    const { path } = fixture(base)
    const source = await openSource(base.startsWith('gguf') ? `${path}/model.gguf` : path)
    const { config } = await openCheckpoint(source)
    await source.close()
    return config
  }
  const known = configs.get(base) ?? read()
  configs.set(base, known)
  return known
}
