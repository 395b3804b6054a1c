/** The prompt that a checkpoint's Jinja template writes. It is loaded for checkpoints that have one. */
import { ChatTemplateError, ConversationError, ParameterError } from '../errors.ts'
import { entriesOf, isJsonObject } from '../json/value.ts'
import { withParsedArguments } from './calls.ts'
import { checkResultIds, continuesLast, type PlainMessage } from './chat-messages.ts'
import { cutAtEnd, markEnd } from './continue-message.ts'
import { ControlGuard, type Rendered } from './guard.ts'
import { compileTemplate, type Program, renderTemplate } from './jinja.ts'
import { copyPlain } from './plain-data.ts'
import { nameOf, type PromptSettings, type PromptWriter, thinksUnasked } from './prompt-writer.ts'
import { ContentForms, renderMerging } from './template-messages.ts'
import type { Tokenizer } from './tokenizer.ts'
import type { Tool } from './tools.ts'

/** Names that mean something in every template. */
const GIVEN = [
  ...['messages', 'tools', 'documents', 'add_generation_prompt', 'bos_token', 'eos_token', 'unk_token', 'pad_token'],
  ...['raise_exception', 'strftime_now', 'namespace', 'range', 'loop'],
]

export class JinjaPrompt implements PromptWriter {
  readonly #source: string
  readonly #program: Program
  #guard: { tokenizer: Tokenizer; guard: ControlGuard; forms: ContentForms } | undefined

  /** @throws ChatTemplateError when the source does not parse */
  constructor(source: string) {
    this.#source = source
    this.#program = compileTemplate(source)
  }

  takesTools(): boolean {
    return /\btools\b/.test(this.#source)
  }

  write(messages: readonly PlainMessage[], tokenizer: Tokenizer, settings: PromptSettings): Rendered {
    checkResultIds(messages)
    refuseToContinueCalls(messages)
    const { tools, reasoningEffort, merge, addGenerationPrompt } = settings
    const { guard, forms } = this.#guardFor(tokenizer)
    const own = this.#own(settings.variables, guard)
    const effort = this.#effort(reasoningEffort, tokenizer)
    refuseContradiction(own, effort)
    const variables = { ...own, ...effort, tools: tools ?? null, addGenerationPrompt }
    const render = (some: readonly PlainMessage[]) => this.#render(some, tokenizer, guard, variables)
    return guard.restore(renderMerging(forms.fit(messages), merge, render))
  }

  /** The request's own variables: those that the template names, and that are not its text or its tokens. */
  #own(sent: unknown, guard: ControlGuard): Record<string, unknown> {
    const at = 'chat_template_kwargs'
    if (!isJsonObject(sent)) throw new ParameterError(at, sent, 'must be an object')
    return Object.fromEntries(
      entriesOf(sent).map(([name, value]) => {
        const named = /^[a-zA-Z_]\w*$/.test(name) && new RegExp(`\\b${name}\\b`).test(this.#source)
        if (!named) throw new ParameterError(`${at}.${name}`, value, "is not in the model's chat template")
        if (GIVEN.includes(name)) throw new ParameterError(`${at}.${name}`, value, 'is given to the template already')
        return [name, copyPlain(value, `${at}.${name}`, guard.protect)]
      }),
    )
  }

  /** Templates without the setting would leave it out without a word. Some know on and off only. */
  #effort(effort: string | undefined, tokenizer: Tokenizer): Record<string, unknown> {
    if (effort === undefined) return {}
    const named = effort === 'auto' ? 'high' : effort
    if (/\breasoning_effort\b/.test(this.#source)) return { reasoning_effort: named }
    if (/\benable_thinking\b/.test(this.#source)) {
      if (named === 'none' || named === 'high') return { enable_thinking: named === 'high' }
      throw new ParameterError('reasoning_effort', effort, "must be none or high for the model's chat template")
    }
    if (effort === 'none' || (effort === 'auto' && thinksUnasked(tokenizer))) return {}
    throw new ParameterError('reasoning_effort', effort, "is not in the model's chat template")
  }

  /** Renders with marks of the guard. Where the last message is to be continued, the text ends inside it. */
  #render(
    messages: readonly PlainMessage[],
    tokenizer: Tokenizer,
    guard: ControlGuard,
    { tools, addGenerationPrompt, ...variables }: { tools: readonly Tool[] | null; addGenerationPrompt: boolean },
  ): string {
    const shown = withParsedArguments(messages).map(({ prefix: _, ...message }) => message)
    const guarded = copyPlain(shown, 'messages', guard.protect) as PlainMessage[]
    const end = continuesLast(messages) ? markEnd(guarded) : undefined
    let text: string
    try {
      text = renderTemplate(this.#program, {
        messages: end?.messages ?? guarded,
        tools: copyPlain(tools, 'tools', guard.protect),
        documents: null,
        add_generation_prompt: addGenerationPrompt && end === undefined,
        bos_token: nameOf(tokenizer, tokenizer.bosId),
        eos_token: nameOf(tokenizer, tokenizer.eosId),
        // transformers leaves out what a vocabulary does not have; templates join the first two to texts unasked.
        unk_token: nameOf(tokenizer, tokenizer.unkId) || undefined,
        pad_token: nameOf(tokenizer, tokenizer.padId) || undefined,
        ...variables,
      })
    } catch (error) {
      // A template may quote a message in its complaint.
      if (!(error instanceof ChatTemplateError)) throw error
      const Kind = error instanceof ConversationError ? ConversationError : ChatTemplateError
      throw new Kind(guard.restore(error.message).text, { cause: error.cause })
    }
    const cut = end === undefined ? text : cutAtEnd(text, end.text)
    if (cut === undefined) {
      const fact = "is not written as it stands by the model's chat template, so that no answer can go on with it"
      throw new ParameterError(`messages[${messages.length - 1}].content`, messages.at(-1)!.content, fact)
    }
    return cut
  }

  #guardFor(tokenizer: Tokenizer): { guard: ControlGuard; forms: ContentForms } {
    if (this.#guard?.tokenizer !== tokenizer) {
      const guard = new ControlGuard(tokenizer.specialTokens.keys())
      const probe = (messages: readonly PlainMessage[]) =>
        guard.restore(this.#render(messages, tokenizer, guard, { tools: null, addGenerationPrompt: true })).text
      this.#guard = { tokenizer, guard, forms: new ContentForms(probe, this.#source) }
    }
    return this.#guard
  }
}

/** @throws ParameterError where a variable of the request says something else than its `reasoning_effort` */
function refuseContradiction(own: Record<string, unknown>, effort: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(effort)) {
    if (!Object.hasOwn(own, name) || own[name] === value) continue
    throw new ParameterError(`chat_template_kwargs.${name}`, own[name], 'says something else than reasoning_effort')
  }
}

/** Templates write calls behind the text: what is cut off behind the text would lose them. */
function refuseToContinueCalls(messages: readonly PlainMessage[]): void {
  if (!continuesLast(messages) || messages.at(-1)!.tool_calls === undefined) return
  const fact = 'is of a message with calls, which cannot be gone on with in a chat template of the checkpoint'
  throw new ParameterError(`messages[${messages.length - 1}].prefix`, true, fact)
}
