/** The prompt of a conversation: by the checkpoint's Jinja template, or in Mistral's own format for the vocabulary. */
import { ChatTemplateError, ConversationError, ParameterError } from '../errors.ts'
import { builtInParts } from './builtin-template.ts'
import { type ChatFormat, formatsOf, type PromptPart } from './chat-format.ts'
import { type ChatMessage, checkMessages, checkResultIds, continuesLast, type PlainMessage } from './chat-messages.ts'
import { cutAtEnd, markEnd } from './continue-message.ts'
import { type OpenFile, type OpenFiles, parseJson, readAll, utf8 } from './files.ts'
import type { GgufMetadata } from './gguf-vocab.ts'
import { ControlGuard, type Rendered } from './guard.ts'
import { compileTemplate, type Program, renderTemplate } from './jinja.ts'
import { copyPlain } from './plain-data.ts'
import { ContentForms, renderMerging } from './template-messages.ts'
import type { Tokenizer } from './tokenizer.ts'
import { checkTools, type Tool, withParsedArguments } from './tools.ts'

/** Which template transformers takes for requests with tools. */
const TOOL_USE_FILE = 'additional_chat_templates/tool_use.jinja'

export interface ChatTemplateOptions {
  /** Functions that the model may call. */
  tools?: readonly Tool[] | null | undefined
  /** How much the model shall think, for models that have the setting. By default it does not. */
  reasoningEffort?: string | null | undefined
  /**
   * What becomes of neighbours of one role: `'merge'` (default) joins them as mistral-common does, where a template
   * refuses them as they are; `'refuse'` is an error.
   */
  neighbours?: 'merge' | 'refuse' | undefined
  /** Asks the template for the beginning of an answer. Mistral's templates ignore it. True by default. */
  addGenerationPrompt?: boolean | undefined
}

/** Turns a conversation into the prompt that the model was trained on. */
export class ChatTemplate {
  /** Whether the checkpoint brought the template, or Mistral's format for the vocabulary stands in. */
  readonly origin: 'checkpoint' | 'built-in'
  /** The Jinja source; undefined for a built-in format. */
  readonly source: string | undefined
  readonly #template: Program | undefined
  /** The one to use when there are tools, where the checkpoint has two. */
  readonly #withTools: ChatTemplate | undefined
  readonly #format: ChatFormat | undefined
  #guard: { tokenizer: Tokenizer; guard: ControlGuard; forms: ContentForms } | undefined

  private constructor(source: string | undefined, withTools?: ChatTemplate, format?: ChatFormat) {
    this.origin = source === undefined ? 'built-in' : 'checkpoint'
    this.source = source
    this.#withTools = withTools
    this.#format = format
    if (source !== undefined) this.#template = compileTemplate(source)
  }

  /** From Jinja source. Throws ChatTemplateError when it does not parse. */
  static fromSource(source: string, options: { toolUse?: string | undefined } = {}): ChatTemplate {
    const { toolUse } = options
    return new ChatTemplate(source, toolUse === undefined ? undefined : new ChatTemplate(toolUse))
  }

  /** Mistral's own format: the one given, else the one that the vocabulary was made for. */
  static builtIn(format?: ChatFormat): ChatTemplate {
    return new ChatTemplate(undefined, undefined, format)
  }

  /**
   * The template of a folder: `chat_template.jinja`, else `chat_template.json`, else `tokenizer_config.json`. Beside the
   * first there may be another one for tools, in `additional_chat_templates/`.
   * @returns undefined when it has none
   * @throws ChatTemplateError when the template does not parse; TokenizerError when a file is no JSON or UTF-8
   */
  static async fromFiles(open: OpenFile): Promise<ChatTemplate | undefined> {
    const jinja = await open('chat_template.jinja')
    if (jinja !== undefined) {
      const toolUse = await open(TOOL_USE_FILE)
      return ChatTemplate.fromSource(utf8(jinja, 'chat_template.jinja'), {
        toolUse: toolUse && utf8(toolUse, TOOL_USE_FILE),
      })
    }
    for (const name of ['chat_template.json', 'tokenizer_config.json']) {
      const bytes = await open(name)
      if (bytes === undefined) continue
      const config = parseJson(utf8(bytes, name), name) as { chat_template?: unknown } | null
      const template = ChatTemplate.fromConfig(config?.chat_template, name)
      if (template !== undefined) return template
    }
    return undefined
  }

  /** As {@link fromFiles}, for an opened source. */
  static fromSourceFiles(files: OpenFiles, signal?: AbortSignal): Promise<ChatTemplate | undefined> {
    return ChatTemplate.fromFiles(async (name) => {
      const reader = await files.open(name, signal)
      return reader === undefined ? undefined : readAll(reader, signal)
    })
  }

  /** From the value of `chat_template`: a string, or a list of `{name, template}`. Undefined when there is none. */
  static fromConfig(value: unknown, file = 'tokenizer_config.json'): ChatTemplate | undefined {
    if (value === undefined || value === null) return undefined
    if (typeof value === 'string') return ChatTemplate.fromSource(value)
    const byName = new Map<unknown, unknown>()
    for (const entry of Array.isArray(value) ? value : []) byName.set(entry?.name, entry?.template)
    const main = byName.get('default')
    const toolUse = byName.get('tool_use')
    if (
      main === undefined &&
      byName.size > 0 &&
      [...byName].every((pair) => pair.every((part) => typeof part === 'string'))
    ) {
      const names = [...byName.keys()].join(', ')
      throw new ChatTemplateError(
        `${file}: chat_template has no default among ${names}; choose one with the option chatTemplate`,
      )
    }
    if (typeof main !== 'string' || (toolUse !== undefined && typeof toolUse !== 'string')) {
      throw new ChatTemplateError(`${file}: chat_template is neither a string nor a list of {name, template}`)
    }
    return ChatTemplate.fromSource(main, { toolUse })
  }

  /** From `tokenizer.chat_template` of a GGUF; undefined when there is none. */
  static fromGguf(metadata: GgufMetadata): ChatTemplate | undefined {
    const template = metadata.get('tokenizer.chat_template')
    const toolUse = metadata.get('tokenizer.chat_template.tool_use')
    if (typeof template !== 'string') return undefined
    return ChatTemplate.fromSource(template, { toolUse: typeof toolUse === 'string' ? toolUse : undefined })
  }

  /**
   * The prompt's ids. Control tokens come from the template alone: their names inside the messages stay text.
   * @throws ParameterError naming `messages[i].field`; ConversationError when the template refuses the conversation;
   *   ChatTemplateError when it fails
   */
  encode(messages: readonly ChatMessage[], tokenizer: Tokenizer, options: ChatTemplateOptions = {}): number[] {
    const prompt = this.#prompt(messages, tokenizer, options)
    // mistral-common encodes each content as a text of its own; Hugging Face encodes what the template wrote.
    if (!Array.isArray(prompt)) return tokenizer.encodeRendered(prompt.text, prompt.breaks)
    const ids: number[] = []
    for (const part of prompt) {
      if ('control' in part) ids.push(controlId(tokenizer, part.control))
      else for (const id of tokenizer.encodePart(part.text, 'start')) ids.push(id)
    }
    return ids
  }

  /** Whether the model gets to see tools: a checkpoint's template may leave them out without a word. */
  takesTools(tokenizer: Tokenizer): boolean {
    if (this.#withTools !== undefined) return true
    return this.source === undefined ? !this.#formats(tokenizer).includes('v1') : /\btools\b/.test(this.source)
  }

  /** The prompt as text, for people to read: encoding this text again could make control tokens of user text. */
  render(messages: readonly ChatMessage[], tokenizer: Tokenizer, options: ChatTemplateOptions = {}): string {
    const prompt = this.#prompt(messages, tokenizer, options)
    if (!Array.isArray(prompt)) return prompt.text
    const space = tokenizer.alphabet === 'pieces' ? ' ' : ''
    return prompt.map((part) => ('control' in part ? part.control : space + part.text)).join('')
  }

  /** What a built-in format is made of, or what a checkpoint's template wrote. */
  #prompt(
    messages: readonly ChatMessage[],
    tokenizer: Tokenizer,
    options: ChatTemplateOptions,
  ): PromptPart[] | Rendered {
    const plain = checkMessages(messages)
    const tools = checkTools(options.tools)
    if (tools !== undefined && this.#withTools !== undefined)
      return this.#withTools.#prompt(messages, tokenizer, options)
    const reasoningEffort = options.reasoningEffort ?? undefined
    const merge = options.neighbours !== 'refuse'
    if (this.#template === undefined) {
      return builtInParts(this.#formats(tokenizer), plain, {
        ...{ tools, reasoningEffort, merge, specialTokens: tokenizer.specialTokens },
        ...{ bos: nameOf(tokenizer, tokenizer.bosId), eos: nameOf(tokenizer, tokenizer.eosId) },
      })
    }
    checkResultIds(plain)
    refuseToContinueCalls(plain)
    const addGenerationPrompt = options.addGenerationPrompt ?? true
    const variables = { ...this.#effort(reasoningEffort), tools: tools ?? null, addGenerationPrompt }
    const { guard, forms } = this.#guardFor(tokenizer)
    const render = (some: readonly PlainMessage[]) => this.#render(some, tokenizer, guard, variables)
    return guard.restore(renderMerging(forms.fit(plain), merge, render))
  }

  #formats(tokenizer: Tokenizer): readonly ChatFormat[] {
    return this.#format === undefined ? formatsOf(tokenizer) : [this.#format]
  }

  /** Templates without the setting would leave it out without a word. */
  #effort(effort: string | undefined): { reasoning_effort?: string } {
    if (effort === undefined) return {}
    if (/\breasoning_effort\b/.test(this.source as string)) return { reasoning_effort: effort }
    if (effort === 'none') return {}
    throw new ParameterError('reasoning_effort', effort, "is not in the model's chat template")
  }

  /** With marks of the guard. Where the last message is to be continued, the text ends inside it. */
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
      text = renderTemplate(this.#template as Program, {
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
      this.#guard = { tokenizer, guard, forms: new ContentForms(probe, this.source as string) }
    }
    return this.#guard
  }
}

/** Templates write calls behind the text: what is cut off behind the text would lose them. */
function refuseToContinueCalls(messages: readonly PlainMessage[]): void {
  if (!continuesLast(messages) || messages.at(-1)!.tool_calls === undefined) return
  const fact = 'is of a message with calls, which cannot be gone on with in a chat template of the checkpoint'
  throw new ParameterError(`messages[${messages.length - 1}].prefix`, true, fact)
}

function controlId(tokenizer: Tokenizer, name: string): number {
  const id = tokenizer.specialTokens.get(name)
  if (id === undefined) throw new ChatTemplateError(`the vocabulary has no control token "${name}"`)
  return id
}

function nameOf(tokenizer: Tokenizer, id: number | undefined): string {
  return id === undefined ? '' : (tokenizer.idToToken(id) ?? '')
}
