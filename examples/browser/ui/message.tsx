/** One thing that was said, and what can be done with it. */
import { useEffect, useRef } from 'preact/hooks'
import { answerTo, edit, goOn, isUnanswered, regenerate } from '../state/answering.ts'
import { branches, choose, type Entry, isWritten } from '../state/conversation.ts'
import { change, current } from '../state/history.ts'
import { loaded } from '../state/model.ts'
import { goesOn, running, viewed } from '../state/running.ts'
import { edits, setEdit } from '../state/typed.ts'
import { Icon, type IconName } from './icon.tsx'
import { Markdown } from './markdown.tsx'
import { Tokens } from './tokens.tsx'
import { asTokens } from './transcript.tsx'

export function Message({ entry }: { entry: Entry }) {
  const { id, role, reasoning, tokens } = entry
  const isPaused = goesOn(entry)
  const isOnItsWay = isWritten(entry) || isPaused
  const edited = edits.value.get(id)
  return (
    <article class={`entry ${role}${isOnItsWay ? ' live' : ''}`} aria-label={role === 'user' ? 'You' : 'The model'}>
      {reasoning !== undefined && (
        <details class="thoughts">
          <summary>{isOnItsWay && entry.text === '' ? 'Thinking…' : 'Thoughts'}</summary>
          <p>{reasoning}</p>
        </details>
      )}
      {edited !== undefined ? (
        <Editor entry={entry} text={edited} />
      ) : role === 'user' ? (
        <Said text={entry.text} />
      ) : asTokens.value && tokens !== undefined ? (
        <Tokens entry={entry} />
      ) : (
        <Markdown text={entry.text} />
      )}
      {isPaused && <p class="small">Goes on as soon as the model is there.</p>}
      {isOnItsWay && isWaiting(entry) && <p class="small">Begins as soon as another answer has ended.</p>}
      {edited === undefined && <Actions entry={entry} isOnItsWay={isOnItsWay} />}
    </article>
  )
}

/** A message longer than this, in characters, is scrolled by itself: the answer to it stays in sight. */
const LONG = 1500

function Said({ text }: { text: string }) {
  if (text.length <= LONG) return <p class="said">{text}</p>
  return (
    <p class="said long" tabIndex={0}>
      {text}
    </p>
  )
}

/** Where a model writes as many answers as it can at once, others wait. */
function isWaiting({ live, text, tokens = [], reasoning }: Entry): boolean {
  if (live !== 'here' || text !== '' || tokens.length > 0 || reasoning !== undefined) return false
  const begun = [...running.value.values()].filter((one) => one.live === 'here' && one.entry.text !== '')
  return begun.length >= (loaded.value?.status.maxSequences ?? 1)
}

function Editor({ entry, text }: { entry: Entry; text: string }) {
  const box = useRef<HTMLTextAreaElement>(null)
  useEffect(() => box.current?.focus(), [])
  const close = () => setEdit(entry.id, undefined)
  const keys = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || event.isComposing) return
    event.preventDefault()
    close()
  }
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
        ref={box}
        onKeyDown={keys}
        onInput={(event) => setEdit(entry.id, event.currentTarget.value)}
      />
      <span class="row">
        <button type="submit" class="primary" disabled={text.trim() === ''}>
          Ask this instead
        </button>
        <button type="button" onClick={close}>
          Leave it
        </button>
      </span>
    </form>
  )
}

function Actions({ entry, isOnItsWay }: { entry: Entry; isOnItsWay: boolean }) {
  const isCut = entry.live === 'cut' || ['stopped', 'length', 'failed'].includes(entry.end ?? '')
  const none = loaded.value === undefined
  if (isOnItsWay) {
    return branches(viewed.value, entry.parent).length < 2 ? null : (
      <footer class="actions">
        <Branches entry={entry} />
      </footer>
    )
  }
  return (
    <footer class="actions">
      <Branches entry={entry} />
      <Action icon="copy" label="Copy" act={() => void navigator.clipboard.writeText(entry.text)} />
      {entry.role === 'user' ? (
        <Action icon="pen" label="Edit" act={() => setEdit(entry.id, entry.text)} />
      ) : (
        <Action icon="again" label="Regenerate" disabled={none} act={() => void regenerate(entry)} />
      )}
      {entry.role === 'assistant' && isCut && entry.text !== '' && (
        <Action icon="on" label="Continue" disabled={none} act={() => void goOn(entry)} />
      )}
      {isUnanswered(entry) && (
        <Action icon="again" label="Ask again" disabled={none} act={() => void answerTo(entry)} />
      )}
      <Outcome entry={entry} />
    </footer>
  )
}

function Outcome({ entry: { end, numbers, live } }: { entry: Entry }) {
  if (numbers === undefined) return null
  const parts = []
  if (numbers.promptTokens > 0) parts.push(`${numbers.promptTokens} tokens read`)
  if (numbers.answerTokens > 0) parts.push(`${numbers.answerTokens} written`)
  if (numbers.decodePerSecond > 0) parts.push(`${numbers.decodePerSecond.toFixed(1)} tokens/s`)
  if (end === 'length') parts.push('cut at the limit')
  if (end === 'stopped') parts.push('stopped')
  if (end === 'failed') parts.push('failed')
  if (live === 'cut') parts.push('cut off')
  return <small class="outcome">{parts.join(' · ')}</small>
}

/** ‹ 2 / 3 › where there are several answers or wordings. */
function Branches({ entry }: { entry: Entry }) {
  const beside = branches(viewed.value, entry.parent)
  if (beside.length < 2) return null
  const at = beside.findIndex(({ id }) => id === entry.id)
  const show = (index: number) => () =>
    void change(current.value.id, (conversation) => choose(conversation, beside[index]!))
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
