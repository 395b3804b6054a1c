/** The conversation at hand. */
import { signal } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { ask } from '../state/answering.ts'
import { current } from '../state/history.ts'
import { path, writing } from '../state/running.ts'
import { Message } from './message.tsx'

/** Tokens are shown by how probable they were, instead of text. */
export const asTokens = signal(false)

const OPENERS = ['Who are you?', 'What is the mistral?', 'Tell me about the sirocco.'] as const

/** Nearer to the end than this, in pixels, the visitor follows what is written. */
const NEAR = 160

export function Transcript() {
  const scroller = useRef<HTMLElement>(null)
  const entries = path.value
  // Another conversation, and what was just said, are shown from their end.
  const said = entries.findLast(({ role }) => role === 'user')?.id
  useLayoutEffect(() => {
    const box = scroller.current
    box?.scrollTo({ top: box.scrollHeight, behavior: 'instant' })
  }, [current.value.id, said])
  // Keeps the end in sight, unless the visitor has scrolled up to read.
  useEffect(() => {
    const box = scroller.current
    if (box !== null && box.scrollHeight - box.scrollTop - box.clientHeight < NEAR) box.scrollTop = box.scrollHeight
  })
  return (
    <section class="transcript" ref={scroller} tabIndex={0} aria-label="Conversation">
      {entries.length === 0 && <Welcome />}
      <div id="log" role="log" aria-live="polite" aria-busy={writing.value !== undefined} aria-label="Messages">
        {entries.map((entry) => (
          <Message key={entry.id} entry={entry} />
        ))}
      </div>
    </section>
  )
}

function Welcome() {
  return (
    <div class="welcome">
      <p class="lead">A small Mistral model is on your GPU now.</p>
      <p>It was made for this page and knows the winds, and little else. Say something:</p>
      <p class="openers">
        {OPENERS.map((text) => (
          <button key={text} type="button" onClick={() => void ask(text)}>
            {text}
          </button>
        ))}
      </p>
    </div>
  )
}
