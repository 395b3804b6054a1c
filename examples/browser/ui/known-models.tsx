/** A short list of Mistral models, with what each would take of this GPU. */
import { look, problemOf, type Verdict, verdicts } from '../state/fitting.ts'
import { bytes } from '../state/format.ts'
import { hubModel, type NamedSource } from '../state/model.ts'

interface KnownModel {
  readonly title: string
  readonly address: string
  /** Of the file. */
  readonly bytes: number
  readonly meaning: string
}

/** Sizes are those of the files. What the GPU takes is what the header says, which is read when somebody asks. */
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
  {
    title: 'Mistral Nemo 12B Instruct, Q4_K_M',
    address: 'bartowski/Mistral-Nemo-Instruct-2407-GGUF:Q4_K_M',
    bytes: 7.48e9,
    meaning: 'Many languages, for GPUs with 12 GB.',
  },
]

type Pick = (source: NamedSource) => void

export function KnownModels({ pick }: { pick: Pick }) {
  return (
    <div class="known">
      <h3>From Hugging Face</h3>
      <ul>
        {MODELS.map((model) => (
          <li key={model.address}>
            <Known model={model} pick={pick} />
          </li>
        ))}
      </ul>
    </div>
  )
}

function Known({ model, pick }: { model: KnownModel; pick: Pick }) {
  const { title, address, meaning } = model
  const verdict = verdicts.value.get(address)
  const load = async () => {
    // What does not fit is not downloaded.
    if (await look(address)) pick(hubModel(address, title))
  }
  const isLooking = verdict?.is === 'looking'
  return (
    <div class="way">
      <strong>{title}</strong>
      <small>
        {bytes(model.bytes)} · {meaning}
      </small>
      <small class="fit" role="status">
        {textOf(verdict)}
      </small>
      <span class="row">
        <button
          type="button"
          aria-label={`Does it fit? ${title}`}
          disabled={isLooking}
          onClick={() => void look(address)}
        >
          Does it fit?
        </button>
        <button type="button" aria-label={`Load ${title}`} disabled={isLooking} onClick={() => void load()}>
          Load
        </button>
      </span>
    </div>
  )
}

/** WebGPU does not say how much memory a GPU has: what fits is what none of its limits forbids. */
function textOf(verdict: Verdict | undefined): string {
  if (verdict === undefined) return ''
  if (verdict.is === 'looking') return 'Reading its header…'
  if (verdict.is === 'failed') return `That cannot be told: ${verdict.why}`
  const { fits, memory, contextLength } = verdict.plan
  if (!fits) return problemOf(verdict.plan)
  const cache = `${bytes(memory.cache)} for ${contextLength.toLocaleString()} tokens of context`
  return `Fits this GPU, if ${bytes(memory.total)} of its memory are free: weights ${bytes(memory.weights)}, ${cache}.`
}
