/** How answers are made: each parameter of a request with its default, range and meaning, and the visitor's values. */
import { computed, signal } from '@preact/signals'
import type { ChatRequest } from 'mistral-webgpu'

export interface Setting {
  readonly name: keyof ChatRequest & string
  readonly label: string
  readonly kind: 'number' | 'switch' | 'lines'
  readonly standard: number | boolean | undefined
  readonly min?: number
  readonly max?: number
  readonly step?: number
  /** One line. */
  readonly meaning: string
}

const number = (
  name: Setting['name'],
  label: string,
  standard: number | undefined,
  [min, max, step]: readonly [number, number, number],
  meaning: string,
): Setting => ({ name, label, kind: 'number', standard, min, max, step, meaning })

export const SETTINGS: readonly { readonly title: string; readonly settings: readonly Setting[] }[] = [
  {
    title: 'Length',
    settings: [
      number('max_tokens', 'Most tokens', 512, [1, 131072, 1], 'The answer ends after so many tokens.'),
      number('min_new_tokens', 'Fewest tokens', 0, [0, 131072, 1], 'The model may not end the answer before.'),
      number('max_reasoning_tokens', 'Most thoughts', undefined, [0, 131072, 1], 'Tokens that a thought may have.'),
      {
        name: 'stop',
        label: 'Stop texts',
        kind: 'lines',
        standard: undefined,
        meaning: 'The answer ends before them. One a line.',
      },
      {
        name: 'ignore_eos',
        label: 'Never end early',
        kind: 'switch',
        standard: false,
        meaning: "Goes on past the model's own end.",
      },
    ],
  },
  {
    title: 'Choice of tokens',
    settings: [
      {
        name: 'do_sample',
        label: 'Draw at random',
        kind: 'switch',
        standard: true,
        meaning: 'Off takes the most probable token each time.',
      },
      number('temperature', 'Temperature', 1, [0, 5, 0.05], 'Above 1 evens the chances out, below 1 favours the best.'),
      number('top_k', 'Top k', 50, [0, 1000, 1], 'Only the k most probable tokens; 0 is all.'),
      number('top_p', 'Top p', 0.95, [0.01, 1, 0.01], 'Only the best that together hold this probability.'),
      number('min_p', 'Min p', 0, [0, 1, 0.01], 'Only tokens this fraction as probable as the best.'),
      number('typical_p', 'Typical p', 1, [0.01, 1, 0.01], 'Only tokens about as surprising as expected; 1 is off.'),
      number('epsilon_cutoff', 'Epsilon cutoff', 0, [0, 0.99, 0.0001], 'Only tokens of at least this probability.'),
      number('eta_cutoff', 'Eta cutoff', 0, [0, 0.99, 0.0001], 'The same, lower where the model is unsure.'),
      number('seed', 'Seed', undefined, [0, 2 ** 31, 1], 'The same seed gives the same answer again.'),
    ],
  },
  {
    title: 'Against repetition',
    settings: [
      number(
        'repetition_penalty',
        'Repetition penalty',
        1,
        [0.1, 3, 0.01],
        'Above 1: what was said becomes less probable.',
      ),
      number(
        'frequency_penalty',
        'Frequency penalty',
        0,
        [-2, 2, 0.05],
        'Subtracted for each time a token was written.',
      ),
      number(
        'presence_penalty',
        'Presence penalty',
        0,
        [-2, 2, 0.05],
        'Subtracted once from tokens that were written.',
      ),
      number(
        'no_repeat_ngram_size',
        'No n-gram twice',
        0,
        [0, 100, 1],
        'No run of so many tokens comes twice; 0 is off.',
      ),
    ],
  },
  {
    title: 'Speed',
    settings: [
      number(
        'prompt_lookup_num_tokens',
        'Prompt lookup',
        0,
        [0, 32, 1],
        'Guesses so many tokens ahead from what was said; the text is the same.',
      ),
    ],
  },
]

type Value = number | boolean | string | undefined
const KEY = 'mistral-webgpu settings'

class Settings {
  readonly values = signal<Readonly<Record<string, Value>>>(stored())
  /** What the assistant is told before the conversation. */
  readonly system = computed(() => String(this.values.value.system ?? ''))
  /** A JSON schema that answers follow; empty for free text. */
  readonly schema = computed(() => String(this.values.value.schema ?? ''))

  set(name: string, value: Value): void {
    this.values.value = { ...this.values.value, [name]: value }
    try {
      localStorage.setItem(KEY, JSON.stringify(this.values.value))
    } catch {
      // A browser that keeps nothing: the values last as long as the page.
    }
  }

  /** Everything at its default again. */
  reset(): void {
    for (const name of Object.keys(this.values.value)) this.set(name, undefined)
  }

  /** The fields of a request. Throws `Error` for a schema that is no JSON. */
  request(): Partial<ChatRequest> {
    const fields: Record<string, unknown> = {}
    for (const { name, kind } of SETTINGS.flatMap(({ settings }) => settings)) {
      const value = this.values.value[name]
      if (value === undefined || value === '') continue
      fields[name] = kind === 'lines' ? String(value).split('\n').filter(Boolean) : value
    }
    const schema = this.schema.value.trim()
    if (schema !== '') {
      fields.response_format = { type: 'json_schema', json_schema: { name: 'answer', schema: parsed(schema) } }
    }
    return fields
  }
}

function parsed(schema: string): unknown {
  try {
    return JSON.parse(schema)
  } catch (error) {
    throw new Error(`The JSON schema in the settings is no JSON: ${(error as Error).message}`)
  }
}

function stored(): Record<string, Value> {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}') as Record<string, Value>
  } catch {
    return {}
  }
}

export const settings = new Settings()
