/** ajv's verdicts on JSON texts, where they can be trusted. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

/** Without it ajv divides doubles. */
const ajv = new Ajv2020({ strict: false, allowUnionTypes: true, multipleOfPrecision: 9, validateFormats: true })
addFormats.default(ajv)

export class SchemaOracle {
  readonly #source: string
  readonly #validate: (value: unknown) => unknown

  constructor(schema: unknown) {
    this.#source = JSON.stringify(schema)
    this.#validate = ajv.compile(schema as object)
  }

  /** @returns undefined where ajv is known to say something else than the standard */
  verdict(text: string): boolean | undefined {
    const has = (keyword: string) => this.#source.includes(`"${keyword}"`)
    // ajv does not count items that `contains` has looked at, as the standard and its tests do.
    if (has('contains') && has('unevaluatedItems')) return undefined
    // ajv forgets what `properties` have looked at where a name that schemas depend on is absent.
    if (has('dependentSchemas') && has('unevaluatedProperties')) return undefined
    // In ajv 8.20 `contains` begins with the verdict on what was looked at before it: it counts where items are.
    if (has('contains') && (has('prefixItems') || /\[\s*\]/.test(text))) return undefined
    // Numbers are exact here, and multiples are written without exponents; ajv sees the doubles that are next to them.
    if (/[\d.]{16}/.test(text) || (has('multipleOf') && /\d[eE][+-]?\d/.test(text))) return undefined
    const value: unknown = JSON.parse(text)
    // An unlisted name can come twice, and is then one member less than was counted.
    if (namesIn(value) < (text.match(/"(?:[^"\\]|\\.)*"\s*:/g)?.length ?? 0)) return undefined
    try {
      return this.#validate(value) === true
    } catch (error) {
      // The code that ajv writes for `unevaluatedItems` behind some alternatives uses a variable that it does not declare.
      if (error instanceof ReferenceError) return undefined
      throw error
    }
  }
}

function namesIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const own = Array.isArray(value) ? 0 : Object.keys(value).length
  return Object.values(value).reduce((all: number, item) => all + namesIn(item), own)
}
