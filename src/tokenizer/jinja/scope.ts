/** Names and their values while a template runs, and the text that it writes. */
import { limitError } from './errors.ts'
import { checkSize } from './operators.ts'
import type { Value } from './values.ts'

/** The names of one block. What is not set here is looked for around it. */
export class Scope {
  readonly #names = new Map<string, Value>()

  constructor(private readonly parent?: Scope | undefined) {}

  get(name: string): Value | undefined {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.parent) {
      const value = scope.#names.get(name)
      if (value !== undefined) return value
    }
    return undefined
  }

  set(name: string, value: Value): void {
    this.#names.set(name, value)
  }
}

export class Output {
  readonly #parts: string[] = []
  #size = 0

  write(text: string): void {
    this.#size += text.length
    checkSize(this.#size)
    this.#parts.push(text)
  }

  get text(): string {
    return this.#parts.join('')
  }
}

/** Steps that one rendering may take; the longest conversations need some hundred thousand. */
const MAX_STEPS = 5_000_000
/** Python's recursion ends a little later. */
const MAX_CALLS = 150

/** The steps and characters that a template may still use up. */
export class Budget {
  #steps = MAX_STEPS
  #calls = 0

  spend(steps: number): void {
    this.#steps -= steps
    if (this.#steps < 0) throw limitError(`the template takes more than ${MAX_STEPS} steps`)
  }

  /** Runs a macro or a level of a recursive loop. */
  nested<T>(run: () => T): T {
    if (++this.#calls > MAX_CALLS)
      throw limitError(`macros or loops call themselves more than ${MAX_CALLS} levels deep`)
    try {
      return run()
    } finally {
      this.#calls--
    }
  }
}
