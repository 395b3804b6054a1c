/** What the users of the load test ask. */
export interface LoadRequest {
  readonly messages: readonly { readonly role: string; readonly content: string }[]
  readonly max_tokens: number
  readonly temperature: number
  readonly seed?: number
  readonly ignore_eos?: boolean
  readonly top_p?: number
  readonly repetition_penalty?: number
}

const TOPICS = [
  'a mistral',
  'the bora',
  'the sirocco',
  'a monsoon',
  'the föhn',
  'a chinook',
  'the levanter',
  'a haboob',
]
const SYSTEM = { role: 'system', content: 'You know the winds of the world, and answer in one or two sentences.' }

/** Greedy and seeded ones, of many lengths; half of them share a system prompt. */
export function requests(): LoadRequest[] {
  return TOPICS.flatMap((topic, i) => {
    const user = { role: 'user', content: `What is ${topic}?` }
    const answer = { role: 'assistant', content: 'It is a wind.' }
    const again = { role: 'user', content: `Where does ${topic} blow?` }
    return [
      { messages: [user], max_tokens: 8 + 7 * i, temperature: 0 },
      { messages: [SYSTEM, user], max_tokens: 64 - 5 * i, temperature: 0, repetition_penalty: 1.1 },
      { messages: [SYSTEM, user, answer, again], max_tokens: 24 + i, temperature: 0.8, top_p: 0.9, seed: 100 + i },
      { messages: [user, answer, again], max_tokens: 60, temperature: 0, ignore_eos: true },
    ]
  })
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}

export const BAD_BODIES: readonly string[] = [
  '',
  '{',
  'null',
  '[]',
  '"text"',
  '{"model": "m"}',
  '{"model": "m", "messages": []}',
  '{"model": "m", "messages": "hello"}',
  '{"model": "m", "messages": [{"role": "user"}]}',
  '{"model": "m", "messages": [{"role": "user", "content": "x"}], "max_tokens": -1}',
  '{"model": "m", "messages": [{"role": "user", "content": "x"}], "temperature": "hot"}',
  '{"model": "m", "messages": [{"role": "user", "content": "x"}], "no_such_field": 1}',
  '{"model": "m", "messages": [{"role": "user", "content": "x"}], "n": 1000}',
  `{"model": "m", "messages": [{"role": "user", "content": ${JSON.stringify('word '.repeat(5000))}}]}`,
  `{"model": "m", "messages": ${'['.repeat(2000)}${']'.repeat(2000)}}`,
]
