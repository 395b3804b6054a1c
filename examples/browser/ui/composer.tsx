/** Where the visitor writes. */
import type { RefObject } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { ask, askError, stop } from '../state/answering.ts'
import { current } from '../state/history.ts'
import { loaded } from '../state/model.ts'
import { writing } from '../state/running.ts'
import { typed } from '../state/typed.ts'
import { Icon } from './icon.tsx'

async function submit(event?: Event): Promise<void> {
  event?.preventDefault()
  const prompt = typed.value.trim()
  if (prompt === '' || writing.value !== undefined) return
  typed.value = ''
  await ask(prompt)
}

/** The button goes with the answer: whoever uses the keyboard is where the next message is written. */
function stopAndReturn(id: string): void {
  stop(id)
  document.getElementById('prompt')?.focus()
}

/** The field is as high as its text, also where styles cannot say so. */
function useGrowth(box: RefObject<HTMLTextAreaElement | null>): void {
  useLayoutEffect(() => {
    if (box.current === null || CSS.supports('field-sizing', 'content')) return
    box.current.style.height = 'auto'
    box.current.style.height = `${box.current.scrollHeight}px`
  }, [typed.value])
}

export function Composer() {
  const box = useRef<HTMLTextAreaElement>(null)
  useGrowth(box)
  const raw = loaded.value?.raw === true
  const answer = writing.value
  const error = askError.value?.conversation === current.value.id ? askError.value.text : undefined
  const keys = (event: KeyboardEvent) => {
    // While a word is being composed, Enter belongs to the input method.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    void submit()
  }
  return (
    <form class="composer" id="ask" onSubmit={(event) => void submit(event)}>
      {error !== undefined && (
        <p class="notice" role="alert" id="error">
          {error}
        </p>
      )}
      <div class="field">
        <label class="visually-hidden" for="prompt">
          {raw ? 'Text to continue' : 'Your message'}
        </label>
        <textarea
          id="prompt"
          ref={box}
          rows={1}
          placeholder={raw ? 'A text to continue' : 'Ask about the winds…'}
          value={typed.value}
          onInput={(event) => (typed.value = event.currentTarget.value)}
          onKeyDown={keys}
        />
        {answer !== undefined ? (
          <button type="button" class="round" aria-label="Stop" onClick={() => stopAndReturn(answer.id)}>
            <Icon name="stop" />
          </button>
        ) : (
          <button
            type="submit"
            class="round primary"
            aria-label={raw ? 'Continue' : 'Send'}
            disabled={typed.value.trim() === ''}
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
