/** A short list of Mistral models, with what this device can hold of them. */
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

export function KnownModels({ pick }: { pick: (source: NamedSource) => void }) {
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
              <small class="fit">{verdict(model)}</small>
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}

/** WebGPU does not say how much memory a GPU has. Some browsers admit to gigabytes of the device, at most 8. */
function verdict({ bytes: size }: KnownModel): string {
  const { deviceMemory: memory } = navigator as { deviceMemory?: number }
  if (memory !== undefined && memory < 8 && size > memory * 0.6e9)
    return `Too large for the ${memory} GB of this device.`
  return size < 3e9 ? 'Fits this device, as far as it tells.' : `Needs a GPU with ${Math.ceil((size * 1.2) / 1e9)} GB.`
}
