/** Requests as the first public pages about the predict route and the chat route have them: clients still send these. */
import type { Json } from './fake-chat.ts'

const ANSWER =
  'A mistral is a cold, dry wind that comes down the valley of the Rhône and reaches the Mediterranean Sea near Marseille.'

/** A conversation that goes on. */
export const messages: Json[] = [
  { role: 'user', content: 'What is a mistral?' },
  { role: 'assistant', content: ANSWER },
  { role: 'user', content: 'How does the mistral wind form?' },
]

/** What the predict route shows of it with `return_full_text`: two blanks after an answer, none before it. */
export const echo = `[INST] What is a mistral? [/INST]${ANSWER}  [INST] How does the mistral wind form? [/INST]`

const sampled = { model: 'mistral-7b', messages, temperature: 0.5, max_tokens: 50, top_p: 0.95 }

/** Arguments of `client.chat.completions.create`. */
export const chatRequests: Json[] = [{ ...sampled, stream: true }, sampled]

const penalized = { temperature: 0.9, top_p: 0.85, top_k: 40, repetition_penalty: 1.1, no_repeat_ngram_size: 3 }

/** Bodies for `/production/predict`. */
export const predictRequests: Json[] = [
  { messages, stream: true, max_new_tokens: 100, ...penalized },
  { messages, max_new_tokens: 100, ...penalized },
  { messages, stream: true, max_new_tokens: 512, temperature: 0.9 },
  { messages, max_new_tokens: 512, temperature: 0.9 },
]
