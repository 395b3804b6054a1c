/** What a visitor sees whose browser cannot run a model, and what to do about it. */
import type { Trouble } from '../state/trouble.ts'
import { Icon } from './icon.tsx'

export function NoWebGpu({ trouble: { fact, steps } }: { trouble: Trouble }) {
  return (
    <main class="no-webgpu">
      <div id="no-webgpu" role="alert">
        <h1 class="wordmark">
          <Icon name="wind" /> mistral-webgpu
        </h1>
        <p class="lead">A Mistral model on your own GPU. It cannot run here yet:</p>
        <h2>{fact}</h2>
        <ol>
          {steps.map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
        <button type="button" class="primary" onClick={() => location.reload()}>
          Try again
        </button>
      </div>
    </main>
  )
}
