import fc from 'fast-check'
import { expect } from 'vitest'
import {
  type ToolCallDelta,
  type ToolCallEnd,
  ToolCallStream,
  type ToolCallStreamOptions,
} from '../../src/chat/tool-calls.ts'
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts'

/** A text, or a control token. */
export type Piece = string | { control: string }

export const ids = () => {
  let n = 0
  return () => `id${String(n++).padStart(7, '0')}`
}

export function read(pieces: readonly Piece[], options: ToolCallStreamOptions = {}): ToolCallEnd {
  const stream = new ToolCallStream({ newId: ids(), ...options })
  const deltas = pieces.flatMap((piece) =>
    typeof piece === 'string' ? stream.push(piece) : stream.pushControl(piece.control),
  )
  const end = stream.flush()
  return { ...end, deltas: [...deltas, ...end.deltas] }
}

/** What a client makes of the deltas. */
export function joined(deltas: readonly ToolCallDelta[]) {
  const calls: { id: string; name: string; arguments: string }[] = []
  for (const { index, id, type, function: fn } of deltas) {
    const call = calls[index]
    if (call === undefined) {
      expect(index).toBe(calls.length)
      expect(type).toBe('function')
      expect(id).toMatch(/^[a-zA-Z0-9]{9}$/)
      calls.push({ id: id!, name: fn.name!, arguments: fn.arguments ?? '' })
    } else {
      expect([id, type, fn.name]).toEqual([undefined, undefined, undefined])
      call.arguments += fn.arguments
    }
  }
  return calls
}

export const flat = ({ calls }: ToolCallEnd) => calls.map(({ id, function: fn }) => ({ id, ...fn }))

export const TWO =
  ' [{"name": "wind_speed", "arguments": {"place": "Arles \\"\\u00e9\\" 🌬", "days": [1, -2.5e3, {}], "x": null}, "id": "Ab3456789"},' +
  ' {"id": "000000001", "name": "stop", "arguments": {}}]'
export const TWO_CALLS = [
  {
    id: 'id0000000',
    name: 'wind_speed',
    arguments: '{"place": "Arles \\"\\u00e9\\" 🌬", "days": [1, -2.5e3, {}], "x": null}',
  },
  { id: '000000001', name: 'stop', arguments: '{}' },
]

export const control = (name: string): Piece => ({ control: name })

/** The text cut at random places. */
export const cut = (text: string) =>
  fc.array(fc.nat({ max: text.length }), { maxLength: 12 }).map((cuts) => {
    const places = [0, ...cuts.sort((a, b) => a - b), text.length]
    return places.slice(1).map((to, i) => text.slice(places[i], to))
  })

/** One token for each: letters, and what JSON needs, in the alphabet of bytes (`Ġ` is a space). */
const LETTERS = 'abcdefghijklmnopqrstuvwxyz_0123456789{}[]:,"Ġ'

/** A byte-level vocabulary with the control tokens of the newer formats. */
export const namedCallsVocabulary = await Tokenizer.fromJson({
  added_tokens: ['<s>', '</s>', '[TOOL_CALLS]', '[CALL_ID]', '[ARGS]'].map((content, id) => ({
    id,
    content,
    special: true,
  })),
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
  decoder: { type: 'ByteLevel' },
  model: {
    type: 'BPE',
    vocab: Object.fromEntries(
      ['<s>', '</s>', '[TOOL_CALLS]', '[CALL_ID]', '[ARGS]', ...LETTERS].map((t, id) => [t, id]),
    ),
    merges: [],
  },
})
