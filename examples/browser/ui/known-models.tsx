/** A short list of Mistral models, with what this device can hold of them. */
import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { NamedSource } from '../state/model.ts'
import { bytes } from './format.ts'

interface KnownModel {
  readonly title: string
  readonly address: string
  /** Of the file. */
  readonly bytes: number
  readonly meaning: string
}

/** Sizes are those of the files, which the GPU holds as they are. */
const MODELS: readonly KnownModel[] = [
  {
    title: 'Ministral 3 3B Instruct, Q4_K_M',
    address: 'mistralai/Ministral-3-3B-Instruct-2512-GGUF:Q4_K_M',
    bytes: 2.15e9,
    meaning: 'The smallest of the third generation; fits most laptops.',
  },
  {
    title: 'Ministral 3 8B Instruct, Q4_K_M',
    address: 'mistralai/Ministral-3-8B-Instruct-2512-GGUF:Q4_K_M',
    bytes: 5.2e9,
    meaning: 'Better answers, for GPUs with 8 GB.',
  },
  {
    title: 'Mistral 7B Instruct v0.3, Q4_K_M',
    address: 'bartowski/Mistral-7B-Instruct-v0.3-GGUF:Q4_K_M',
    bytes: 4.37e9,
    meaning: 'The classic, with function calls.',
  },
]

interface Device {
  readonly largestBuffer: number
  /** Gigabytes of memory that the browser admits to; it tells at most 8. */
  readonly memory: number | undefined
}

const device = signal<Device | undefined>(undefined)

export function KnownModels({ pick }: { pick: (source: NamedSource) => void }) {
  useEffect(() => void lookAtDevice(), [])
  return (
    <div class="known">
      <h3>From Hugging Face</h3>
      <ul>
        {MODELS.map((model) => (
          <li key={model.address}>
            <button type="button" class="way" onClick={() => pick({ source: model.address, name: model.title })}>
              <strong>{model.title}</strong>
              <small>
                {bytes(model.bytes)} · {model.meaning}
              </small>
              <small class="fit">{device.value === undefined ? ' ' : verdict(model, device.value)}</small>
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}

async function lookAtDevice(): Promise<void> {
  const adapter = (await (navigator.gpu as GPU | undefined)?.requestAdapter()) ?? null
  if (adapter === null) return
  const { deviceMemory } = navigator as { deviceMemory?: number }
  device.value = { largestBuffer: adapter.limits.maxBufferSize, memory: deviceMemory }
}

/** WebGPU does not say how much memory a GPU has: what can be known is what a buffer may hold, and the browser's own figure. */
function verdict({ bytes: size }: KnownModel, { memory }: Device): string {
  if (memory !== undefined && memory < 8 && size > memory * 0.6e9)
    return `Too large for the ${memory} GB of this device.`
  return size < 3e9 ? 'Fits this device, as far as it tells.' : `Needs a GPU with ${Math.ceil((size * 1.2) / 1e9)} GB.`
}
