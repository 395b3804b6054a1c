/** The interface of everything that writes prompts: a checkpoint's template, or one of Mistral's own formats. */
import type { PlainMessage } from './chat-messages.ts'
import type { PromptPart } from './format-rules.ts'
import type { Rendered } from './guard.ts'
import type { Tokenizer } from './tokenizer.ts'
import type { Tool } from './tools.ts'

export interface PromptSettings {
  readonly tools: readonly Tool[] | undefined
  readonly reasoningEffort: string | undefined
  /** As they were sent: an object whose entries no code has looked at. */
  readonly variables: Readonly<Record<string, unknown>>
  /** Neighbours of one role become one message where they must not stand together; false refuses them. */
  readonly merge: boolean
  readonly addGenerationPrompt: boolean
}

export interface PromptWriter {
  /** Whether the model gets to see tools: a checkpoint's template may leave them out without a word. */
  takesTools(tokenizer: Tokenizer): boolean
  /**
   * Gives the parts of a built-in format, or the text of a checkpoint's template.
   * @throws ParameterError, ConversationError, ChatTemplateError
   */
  write(
    messages: readonly PlainMessage[],
    tokenizer: Tokenizer,
    settings: PromptSettings,
  ): readonly PromptPart[] | Rendered
}

/** The vocabulary has tokens for thoughts: the model may think, as its system prompt asks, where it has no setting for that. */
export function thinksUnasked({ specialTokens }: Pick<Tokenizer, 'specialTokens'>): boolean {
  return specialTokens.has('[THINK]')
}

/** A token's name as templates get it; empty when there is none. */
export function nameOf(tokenizer: Tokenizer, id: number | undefined): string {
  return id === undefined ? '' : (tokenizer.idToToken(id) ?? '')
}
