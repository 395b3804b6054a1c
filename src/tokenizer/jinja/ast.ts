/** The tree of a template. */
import type { JsonFloat } from '../../json/value.ts'

export type BinaryOperator = '+' | '-' | '*' | '/' | '//' | '%' | '**'
export type CompareOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in'

export interface Arguments {
  readonly args: readonly Expression[]
  readonly kwargs: readonly { readonly name: string; readonly value: Expression }[]
  /** `*args` */
  readonly rest?: Expression | undefined
  /** `**kwargs` */
  readonly keywords?: Expression | undefined
}

export interface Slice {
  readonly kind: 'slice'
  readonly start: Expression | undefined
  readonly stop: Expression | undefined
  readonly step: Expression | undefined
}

/** A filter; `node` is undefined where it applies to a block. */
export interface Filter {
  readonly kind: 'filter'
  readonly node: Expression | undefined
  readonly name: string
  readonly call: Arguments
  readonly line: number
}

export type Expression =
  | { readonly kind: 'name'; readonly name: string }
  | Filter
  | { readonly kind: 'const'; readonly value: null | boolean | string | number | bigint | JsonFloat }
  | { readonly kind: 'tuple' | 'list'; readonly items: readonly Expression[] }
  | { readonly kind: 'dict'; readonly items: readonly { readonly key: Expression; readonly value: Expression }[] }
  | {
      readonly kind: 'conditional'
      readonly test: Expression
      readonly value: Expression
      readonly otherwise: Expression | undefined
      readonly line: number
    }
  | { readonly kind: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'not' | 'negative' | 'positive'; readonly node: Expression }
  | {
      readonly kind: 'compare'
      readonly first: Expression
      readonly rest: readonly { readonly op: CompareOperator; readonly value: Expression }[]
    }
  | { readonly kind: 'binary'; readonly op: BinaryOperator; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'concat'; readonly items: readonly Expression[] }
  | { readonly kind: 'attribute'; readonly node: Expression; readonly name: string }
  | { readonly kind: 'item'; readonly node: Expression; readonly index: Expression | Slice }
  | { readonly kind: 'call'; readonly node: Expression; readonly call: Arguments; readonly line: number }
  | {
      readonly kind: 'test'
      readonly node: Expression
      readonly name: string
      readonly call: Arguments
      readonly line: number
    }

/** The target of an assignment: a name, a field of a namespace, or several of them. */
export type Target =
  | { readonly kind: 'target'; readonly name: string; readonly line: number }
  | { readonly kind: 'field'; readonly name: string; readonly field: string }
  | { readonly kind: 'targets'; readonly items: readonly Target[] }

export interface Parameter {
  readonly kind: 'param'
  readonly name: string
  readonly fallback: Expression | undefined
}

/** A macro, or the body of a `{% call %}` block. */
export interface MacroBody {
  readonly params: readonly Parameter[]
  readonly body: readonly Statement[]
}

export type Statement =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'output'; readonly node: Expression; readonly line: number }
  | { readonly kind: 'if'; readonly branches: readonly Branch[]; readonly otherwise: readonly Statement[] }
  | {
      readonly kind: 'for'
      readonly target: Target
      readonly iterable: Expression
      readonly test: Expression | undefined
      readonly recursive: boolean
      readonly body: readonly Statement[]
      readonly otherwise: readonly Statement[]
      readonly line: number
    }
  | { readonly kind: 'set'; readonly target: Target; readonly value: Expression; readonly line: number }
  | {
      readonly kind: 'set_block'
      readonly target: Target
      readonly filter: Filter | undefined
      readonly body: readonly Statement[]
      readonly line: number
    }
  | ({ readonly kind: 'macro'; readonly name: string; readonly line: number } & MacroBody)
  | ({
      readonly kind: 'call_block'
      readonly call: Extract<Expression, { kind: 'call' }>
      readonly line: number
    } & MacroBody)
  | {
      readonly kind: 'filter_block'
      readonly filter: Filter
      readonly body: readonly Statement[]
      readonly line: number
    }
  | {
      readonly kind: 'with'
      readonly assigns: readonly { readonly target: Target; readonly value: Expression }[]
      readonly body: readonly Statement[]
      readonly line: number
    }
  /** A `{% block %}`, which sees what was set at the top of the template; or the body of a `{% generation %}`. */
  | { readonly kind: 'block' | 'generation'; readonly name: string; readonly body: readonly Statement[] }
  | { readonly kind: 'break' | 'continue' }

export interface Branch {
  readonly test: Expression
  readonly body: readonly Statement[]
  readonly line: number
}
