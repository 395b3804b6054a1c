/** Responses that later requests may go on from: the latest ones, in memory. */
import { shortened } from '../../errors/show.ts'
import { HttpError } from '../errors.ts'
import { randomHex } from '../ids.ts'
import type { Item } from './input.ts'

export interface StoredResponse {
  /** As the client got it. */
  readonly body: { readonly id: string; readonly output: readonly Item[] }
  /** The items of its request, with ids. */
  readonly input: readonly Item[]
  /** The whole conversation before its output: of earlier responses, too. */
  readonly items: readonly Item[]
}

/** All conversations together, counted in characters of their JSON. */
const MAX_CHARACTERS = 64 * 1024 * 1024

/** Forgets the oldest when there are too many, or when they are too long together. */
export class ResponseStore {
  private readonly stored = new Map<string, { response: StoredResponse; characters: number }>()
  private characters = 0

  /** @param most responses to keep; 0 keeps none */
  constructor(private readonly most: number) {}

  get keeps(): boolean {
    return this.most > 0
  }

  add(response: StoredResponse): void {
    const { body, items } = response
    const characters = JSON.stringify([body, items]).length
    if (this.most === 0 || characters > MAX_CHARACTERS) return
    this.stored.set(body.id, { response, characters })
    this.characters += characters
    for (const id of this.stored.keys()) {
      if (this.stored.size <= this.most && this.characters <= MAX_CHARACTERS) return
      this.remove(id)
    }
  }

  /** @param param the field that named it. @throws HttpError 404 */
  get(id: string, param: string): StoredResponse {
    const found = this.stored.get(id)?.response
    if (found !== undefined) return found
    throw new HttpError(
      404,
      `there is no response "${shortened(id, 80)}" here: it was not stored, or is older than the ${this.most} that are kept`,
      { type: 'not_found_error', code: 'response_not_found', param },
    )
  }

  /** An item of any stored response; undefined when there is none. */
  item(id: string): Item | undefined {
    for (const { response } of this.stored.values()) {
      const found = [...response.body.output, ...response.input].find((item) => item.id === id)
      if (found !== undefined) return found
    }
    return undefined
  }

  remove(id: string): void {
    this.characters -= this.stored.get(id)?.characters ?? 0
    this.stored.delete(id)
  }
}

/** The items with ids, which answers that list them have. */
export function withIds(items: readonly Item[]): Item[] {
  return items.map((item) => {
    const { type = 'message', id } = item
    return { ...item, type, id: typeof id === 'string' ? id : `${PREFIXES.get(type) ?? 'item'}_${randomHex(12)}` }
  })
}

const PREFIXES: ReadonlyMap<unknown, string> = new Map([
  ['message', 'msg'],
  ['function_call', 'fc'],
  ['function_call_output', 'fco'],
  ['reasoning', 'rs'],
])
