/** The conversation at hand. */
import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { ask, live } from '../state/answering.ts'
import { type Entry, shown } from '../state/conversation.ts'
import { current } from '../state/history.ts'
import { Message } from './message.tsx'

/** Tokens are shown by how probable they were, instead of text. */
export const asTokens = signal(false)

const OPENERS = ['Who are you?', 'What is the mistral?', 'Tell me about the sirocco.'] as const

export function Transcript() {
  const scroller = useRef<HTMLElement>(null)
  const entries = shownNow()
  // Keeps the end in sight, unless the visitor has scrolled up to read.
  useEffect(() => {
    const box = scroller.current
    if (box !== null && box.scrollHeight - box.scrollTop - box.clientHeight < 160) box.scrollTop = box.scrollHeight
  })
  return (
    <section class="transcript" ref={scroller} tabIndex={0} aria-label="Conversation">
      {entries.length === 0 && <Welcome />}
      <div id="log" role="log" aria-live="polite" aria-busy={live.value !== undefined} aria-label="Messages">
        {entries.map((entry) => (
          <Message key={entry.id} entry={entry} writing={entry === live.value} />
        ))}
      </div>
    </section>
  )
}

function shownNow(): Entry[] {
  const entries = shown(current.value)
  const draft = live.value
  if (draft === undefined) return entries
  // The draft takes the place of the branch beside which it is written.
  const at = draft.parent === undefined ? 0 : entries.findIndex(({ id }) => id === draft.parent) + 1
  return [...entries.slice(0, at), draft]
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
