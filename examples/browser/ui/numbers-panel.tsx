/** What an answer cost, and how sure the model was. */
import type { Entry } from '../state/conversation.ts'
import { loaded } from '../state/model.ts'
import { path } from '../state/running.ts'
import { SpeedChart } from './speed-chart.tsx'
import { asTokens } from './transcript.tsx'

export function NumbersPanel() {
  const answer = path.value.findLast(({ role }) => role === 'assistant')
  return (
    <div class="numbers-panel">
      <label class="switch-line">
        <input
          type="checkbox"
          class="toggle"
          id="as-tokens"
          checked={asTokens.value}
          onChange={(event) => (asTokens.value = event.currentTarget.checked)}
        />
        <span>
          <strong>Colour each token by its probability</strong>
          <small>Point at one for its alternatives, and take another.</small>
        </span>
      </label>
      <p class="legend" aria-hidden="true">
        {['> 90 %', '> 60 %', '> 30 %', '> 10 %', '> 2 %', 'less'].map((text, level) => (
          <span key={text} class="token" data-level={level}>
            {text}
          </span>
        ))}
      </p>
      {answer?.numbers !== undefined && (
        <>
          <h3>Tokens per second</h3>
          <SpeedChart arrivals={answer.numbers.arrivals} />
        </>
      )}
      <Facts entry={answer} />
      <Context />
    </div>
  )
}

function Facts({ entry }: { entry: Entry | undefined }) {
  const numbers = entry?.numbers
  if (numbers === undefined)
    return <p class="small">Ask something: how fast the answer came, and how sure the model was, is told here.</p>
  // What a stopped answer did not live to tell is never known.
  const unknown = entry?.live === undefined ? '–' : '…'
  const { prefillMs, promptTokens, cachedTokens, prefillPerSecond, decodePerSecond } = numbers
  const cached = prefillPerSecond > 0 ? `, ${cachedTokens} in cache` : ''
  const rows: [string, string][] = [
    ['First token after', prefillMs > 0 ? `${prefillMs.toFixed(0)} ms` : unknown],
    ['Prompt', promptTokens > 0 ? `${promptTokens} tokens${cached}` : unknown],
    ['Prefill', prefillPerSecond > 0 ? `${prefillPerSecond.toFixed(0)} tokens/s` : unknown],
    ['Decode', decodePerSecond > 0 ? `${decodePerSecond.toFixed(1)} tokens/s` : unknown],
    ['Answer', `${numbers.answerTokens} tokens`],
    ['Perplexity', perplexity(entry)],
  ]
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** Of the answer under the model itself: 1 is certain of every token. */
function perplexity(entry: Entry | undefined): string {
  const tokens = entry?.tokens ?? []
  if (tokens.length === 0) return '…'
  const sum = tokens.reduce((total, { logprob }) => total + logprob, 0)
  return Math.exp(-sum / tokens.length).toFixed(2)
}

function Context() {
  const context = loaded.value?.status.contextLength
  if (context === undefined) return null
  const answers = path.value.flatMap(({ numbers }) => (numbers === undefined ? [] : [numbers]))
  // Until its end nobody tells how long the prompt of an answer is: all that was before it, at least.
  const known = answers.findLastIndex(({ promptTokens }) => promptTokens > 0)
  const { promptTokens = 0 } = answers[known] ?? {}
  const used = answers.slice(Math.max(known, 0)).reduce((sum, { answerTokens }) => sum + answerTokens, promptTokens)
  return (
    <div class="context">
      <h3 id="context-title">Context</h3>
      <meter min={0} max={context} value={used} aria-labelledby="context-title" />
      <p class="small">
        {used.toLocaleString()} of {context.toLocaleString()} tokens
      </p>
    </div>
  )
}
