/** The prompt of a conversation: by the checkpoint's Jinja template, or in Mistral's own format for the vocabulary. */
import { ChatTemplateError } from '../errors.ts'
import type { ChatFormat } from './chat-format.ts'
import type { ChatMessage } from './chat-messages.ts'
import { type OpenFile, type OpenFiles, parseJson, readAll, utf8 } from './files.ts'
import type { PromptPart } from './format-rules.ts'
import type { GgufMetadata } from './gguf-vocab.ts'
import type { Rendered } from './guard.ts'
import type { PromptWriter } from './prompt-writer.ts'
import type { Tokenizer } from './tokenizer.ts'
import { checkTools, type Tool } from './tools.ts'

/** Which template transformers takes for requests with tools. */
const TOOL_USE_FILE = 'additional_chat_templates/tool_use.jinja'

export interface ChatTemplateOptions {
  /** Functions that the model may call. */
  tools?: readonly Tool[] | null | undefined
  /** How much the model shall think, for models that have the setting. By default it does not. */
  reasoningEffort?: string | null | undefined
  /** Further variables of a checkpoint's template. */
  variables?: Readonly<Record<string, unknown>> | null | undefined
  /**
   * Decides about neighbours of one role: `'merge'` (default) joins them as mistral-common does, where a template
   * refuses them as they are; `'refuse'` is an error.
   */
  neighbours?: 'merge' | 'refuse' | undefined
  /** Asks the template for the beginning of an answer. Mistral's templates ignore it. True by default. */
  addGenerationPrompt?: boolean | undefined
}

/** The check of messages, which is loaded with what writes them. */
type Checks = typeof import('./chat-messages.ts')

const loadChecks = (): Promise<Checks> => import('./chat-messages.ts')

/**
 * Where the format of prompts comes from: a template of the `checkpoint`; its layout, which is the `vendor`'s own and has
 * none because the vocabulary says it; or Mistral's format for the vocabulary, which stands in (`built-in`).
 */
export type TemplateOrigin = 'checkpoint' | 'vendor' | 'built-in'

/** Turns a conversation into the prompt that the model was trained on. What writes it is loaded with it. */
export class ChatTemplate {
  readonly origin: TemplateOrigin
  /** The Jinja source; undefined for a built-in format. */
  readonly source: string | undefined
  readonly #checks: Checks
  readonly #writer: PromptWriter
  /** The one to use when there are tools, where the checkpoint has two. */
  readonly #withTools: PromptWriter | undefined

  private constructor(
    checks: Checks,
    writer: PromptWriter,
    from: { origin: TemplateOrigin; source?: string },
    withTools?: PromptWriter,
  ) {
    this.#checks = checks
    this.origin = from.origin
    this.source = from.source
    this.#writer = writer
    this.#withTools = withTools
  }

  /** From Jinja source. Throws ChatTemplateError when it does not parse. */
  static async fromSource(source: string, options: { toolUse?: string | undefined } = {}): Promise<ChatTemplate> {
    const { toolUse } = options
    const [checks, { JinjaPrompt }] = await Promise.all([loadChecks(), import('./jinja-prompt.ts')])
    const withTools = toolUse === undefined ? undefined : new JinjaPrompt(toolUse)
    return new ChatTemplate(checks, new JinjaPrompt(source), { origin: 'checkpoint', source }, withTools)
  }

  /** Mistral's own format: the one given, else the one that the vocabulary was made for. */
  static async builtIn(format?: ChatFormat, origin: 'vendor' | 'built-in' = 'built-in'): Promise<ChatTemplate> {
    const [checks, { BuiltInPrompt }] = await Promise.all([loadChecks(), import('./builtin-template.ts')])
    return new ChatTemplate(checks, new BuiltInPrompt(format), { origin })
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
      const template = await ChatTemplate.fromConfig(config?.chat_template, name)
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
  static async fromConfig(value: unknown, file = 'tokenizer_config.json'): Promise<ChatTemplate | undefined> {
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
  static async fromGguf(metadata: GgufMetadata): Promise<ChatTemplate | undefined> {
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
    if (isRendered(prompt)) return tokenizer.encodeRendered(prompt.text, prompt.breaks)
    const ids: number[] = []
    for (const part of prompt) {
      if ('control' in part) ids.push(controlId(tokenizer, part.control))
      else for (const id of tokenizer.encodePart(part.text, 'start')) ids.push(id)
    }
    return ids
  }

  /** Whether the model gets to see tools: a checkpoint's template may leave them out without a word. */
  takesTools(tokenizer: Tokenizer): boolean {
    return this.#withTools !== undefined || this.#writer.takesTools(tokenizer)
  }

  /** Whether the answer goes on with the last message, in a conversation that the template has taken. */
  answersInside(messages: readonly ChatMessage[]): boolean {
    return this.#checks.answersInside(messages)
  }

  /** The prompt as text, for people to read: encoding this text again could make control tokens of user text. */
  render(messages: readonly ChatMessage[], tokenizer: Tokenizer, options: ChatTemplateOptions = {}): string {
    const prompt = this.#prompt(messages, tokenizer, options)
    if (isRendered(prompt)) return prompt.text
    const space = tokenizer.alphabet === 'pieces' ? ' ' : ''
    return prompt.map((part) => ('control' in part ? part.control : space + part.text)).join('')
  }

  #prompt(
    messages: readonly ChatMessage[],
    tokenizer: Tokenizer,
    options: ChatTemplateOptions,
  ): readonly PromptPart[] | Rendered {
    const plain = this.#checks.checkMessages(messages)
    const tools = checkTools(options.tools)
    const writer = tools === undefined ? this.#writer : (this.#withTools ?? this.#writer)
    return writer.write(plain, tokenizer, {
      tools,
      reasoningEffort: options.reasoningEffort ?? undefined,
      variables: options.variables ?? {},
      merge: options.neighbours !== 'refuse',
      addGenerationPrompt: options.addGenerationPrompt ?? true,
    })
  }
}

function isRendered(prompt: readonly PromptPart[] | Rendered): prompt is Rendered {
  return 'breaks' in prompt
}

function controlId(tokenizer: Tokenizer, name: string): number {
  const id = tokenizer.specialTokens.get(name)
  if (id === undefined) throw new ChatTemplateError(`the vocabulary has no control token "${name}"`)
  return id
}
