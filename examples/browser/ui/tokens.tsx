/** An answer token by token, each coloured by its probability; a click on an alternative goes on from there. */
import { Fragment } from 'preact'
import { useState } from 'preact/hooks'
import { canTakeOthers, goOnWith } from '../state/answering.ts'
import type { Entry, Token } from '../state/conversation.ts'
import { percent } from '../state/format.ts'

export function Tokens({ entry }: { entry: Entry }) {
  const [open, setOpen] = useState<number | undefined>(undefined)
  const tokens = entry.tokens ?? []
  const token = open === undefined ? undefined : tokens[open]
  return (
    <div class="tokens">
      <p class="token-text">
        {words(tokens).map(({ from, members }) => (
          <Fragment key={from}>
            {members[0]!.text.startsWith(' ') && ' '}
            <span class="word">
              {members.map((one, j) => (
                <button
                  key={j}
                  type="button"
                  class="token"
                  data-level={levelOf(one.logprob)}
                  aria-pressed={from + j === open}
                  aria-label={`${one.text}, ${percent(one.logprob)}`}
                  onClick={() => setOpen(from + j)}
                  onFocus={() => setOpen(from + j)}
                  onMouseEnter={() => setOpen(from + j)}
                >
                  {(j === 0 ? one.text.replace(/^ /, '') : one.text).replaceAll('\n', '↵\n')}
                </button>
              ))}
            </span>
          </Fragment>
        ))}
      </p>
      {token !== undefined && (
        <Alternatives
          token={token}
          pick={canTakeOthers(entry) ? (one) => void goOnWith(entry, open!, one) : undefined}
        />
      )}
    </div>
  )
}

interface Word {
  /** The place of its first token in the answer. */
  readonly from: number
  readonly members: Token[]
}

/** So long a word is not broken between two tokens; scripts without spaces have to be. */
const LONGEST_WORD = 24

/** Lines are broken between words, as in any text: a button by itself would be a place to break. */
function words(tokens: readonly Token[]): Word[] {
  const found: Word[] = []
  let length = 0
  for (const [i, token] of tokens.entries()) {
    const last = found.at(-1)
    const ends = last?.members.at(-1)?.text.endsWith('\n')
    length += token.text.length
    if (last === undefined || ends || /^\s/.test(token.text) || length > LONGEST_WORD) {
      found.push({ from: i, members: [token] })
      length = token.text.length
    } else last.members.push(token)
  }
  return found
}

/** 0 for what was almost certain, 5 for what was most surprising. */
function levelOf(logprob: number): number {
  const steps = [0.9, 0.6, 0.3, 0.1, 0.02]
  const found = steps.findIndex((least) => Math.exp(logprob) >= least)
  return found < 0 ? steps.length : found
}

interface AlternativesProps {
  readonly token: Token
  /** undefined while nothing can be picked. */
  readonly pick: ((alternative: Token['top'][number]) => void) | undefined
}

function Alternatives({ token, pick }: AlternativesProps) {
  return (
    <div class="alternatives">
      <p>
        <q>{token.text}</q> had {percent(token.logprob)}.{' '}
        {pick !== undefined && 'Take another, and the answer goes on from there:'}
      </p>
      <ul>
        {token.top.map((one) => (
          <li key={one.id}>
            <button type="button" disabled={pick === undefined || one.id === token.id} onClick={() => pick?.(one)}>
              <q>{one.text}</q>
              <meter min={0} max={1} value={Math.exp(one.logprob)} aria-hidden="true" />
              <span>{percent(one.logprob)}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}
