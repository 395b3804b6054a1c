/** One thing that was said, and what can be done with it. */
import { useState } from 'preact/hooks'
import { edit, live, regenerate } from '../state/answering.ts'
import { branches, choose, type Entry } from '../state/conversation.ts'
import { change, current } from '../state/history.ts'
import { Icon, type IconName } from './icon.tsx'
import { Markdown } from './markdown.tsx'
import { Tokens } from './tokens.tsx'
import { asTokens } from './transcript.tsx'

export function Message({ entry, writing }: { entry: Entry; writing: boolean }) {
  const [editing, setEditing] = useState(false)
  const { role, reasoning, tokens } = entry
  return (
    <article class={`entry ${role}${writing ? ' live' : ''}`} aria-label={role === 'user' ? 'You' : 'The model'}>
      {reasoning !== undefined && (
        <details class="thoughts">
          <summary>{writing && entry.text === '' ? 'Thinking…' : 'Thoughts'}</summary>
          <p>{reasoning}</p>
        </details>
      )}
      {editing ? (
        <Editor entry={entry} close={() => setEditing(false)} />
      ) : role === 'user' ? (
        <p class="said">{entry.text}</p>
      ) : asTokens.value && tokens !== undefined ? (
        <Tokens entry={entry} writing={writing} />
      ) : (
        <Markdown text={entry.text} />
      )}
      {!writing && !editing && <Actions entry={entry} startEditing={() => setEditing(true)} />}
    </article>
  )
}

function Editor({ entry, close }: { entry: Entry; close: () => void }) {
  const [text, setText] = useState(entry.text)
  const submit = (event: Event) => {
    event.preventDefault()
    close()
    if (text.trim() !== '' && text !== entry.text) void edit(entry, text.trim())
  }
  return (
    <form class="editor" onSubmit={submit}>
      <textarea
        aria-label="Your message, in other words"
        rows={3}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <span class="row">
        <button type="submit" class="primary">
          Ask this instead
        </button>
        <button type="button" onClick={close}>
          Leave it
        </button>
      </span>
    </form>
  )
}

function Actions({ entry, startEditing }: { entry: Entry; startEditing: () => void }) {
  const busy = live.value !== undefined
  return (
    <footer class="actions">
      <Branches entry={entry} />
      <Action icon="copy" label="Copy" act={() => void navigator.clipboard.writeText(entry.text)} />
      {entry.role === 'user' ? (
        <Action icon="pen" label="Edit" disabled={busy} act={startEditing} />
      ) : (
        <Action icon="again" label="Regenerate" disabled={busy} act={() => void regenerate(entry)} />
      )}
      <Outcome entry={entry} />
    </footer>
  )
}

function Outcome({ entry: { end, numbers } }: { entry: Entry }) {
  if (numbers === undefined) return null
  const parts = []
  if (numbers.promptTokens > 0) parts.push(`${numbers.promptTokens} tokens read`)
  if (numbers.answerTokens > 0) parts.push(`${numbers.answerTokens} written`)
  if (numbers.decodePerSecond > 0) parts.push(`${numbers.decodePerSecond.toFixed(1)} tokens/s`)
  if (end === 'length') parts.push('cut at the limit')
  if (end === 'stopped') parts.push('stopped')
  return <small class="outcome">{parts.join(' · ')}</small>
}

/** ‹ 2 / 3 › where there are several answers or wordings. */
function Branches({ entry }: { entry: Entry }) {
  const beside = branches(current.value, entry.parent)
  if (beside.length < 2) return null
  const at = beside.findIndex(({ id }) => id === entry.id)
  const show = (index: number) => () => change(current.value.id, (conversation) => choose(conversation, beside[index]!))
  return (
    <span class="branches">
      <Action icon="left" label="The one before" disabled={at === 0} act={show(at - 1)} />
      <small>
        {at + 1} / {beside.length}
      </small>
      <Action icon="right" label="The next" disabled={at === beside.length - 1} act={show(at + 1)} />
    </span>
  )
}

function Action({
  icon,
  label,
  act,
  disabled = false,
}: {
  icon: IconName
  label: string
  act: () => void
  disabled?: boolean
}) {
  return (
    <button type="button" class="icon small" aria-label={label} title={label} disabled={disabled} onClick={act}>
      <Icon name={icon} />
    </button>
  )
}
