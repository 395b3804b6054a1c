/** Where the visitor writes. */
import { signal } from '@preact/signals'
import { ask, askError, live, stop } from '../state/answering.ts'
import { loaded } from '../state/model.ts'
import { Icon } from './icon.tsx'

const text = signal('')

async function submit(event?: Event): Promise<void> {
  event?.preventDefault()
  const prompt = text.value.trim()
  if (prompt === '' || live.value !== undefined) return
  text.value = ''
  await ask(prompt)
}

export function Composer() {
  const raw = loaded.value?.raw === true
  const busy = live.value !== undefined
  const keys = (event: KeyboardEvent) => {
    // While a word is being composed, Enter belongs to the input method.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    void submit()
  }
  return (
    <form class="composer" id="ask" onSubmit={(event) => void submit(event)}>
      {askError.value !== undefined && (
        <p class="notice" role="alert" id="error">
          {askError.value}
        </p>
      )}
      <div class="field">
        <label class="visually-hidden" for="prompt">
          {raw ? 'Text to continue' : 'Your message'}
        </label>
        <textarea
          id="prompt"
          rows={1}
          placeholder={raw ? 'A text to continue' : 'Ask about the winds…'}
          value={text.value}
          onInput={(event) => (text.value = event.currentTarget.value)}
          onKeyDown={keys}
        />
        {busy ? (
          <button type="button" class="round" aria-label="Stop" onClick={stop}>
            <Icon name="stop" />
          </button>
        ) : (
          <button
            type="submit"
            class="round primary"
            aria-label={raw ? 'Continue' : 'Send'}
            disabled={text.value.trim() === ''}
          >
            <Icon name="send" />
          </button>
        )}
      </div>
      <p class="hint">
        {raw
          ? 'This checkpoint has no chat template: your text is continued as it stands.'
          : 'Nothing you write leaves this machine.'}
      </p>
    </form>
  )
}
