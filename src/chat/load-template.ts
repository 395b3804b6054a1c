/** Which chat template a chat gets: by its options, from the checkpoint, or Mistral's own format for the vocabulary. */
import { check, checkParameter, oneOf, orElse } from '../checks.ts'
import { ParameterError } from '../errors.ts'
import { hasTokenizerBeside } from '../formats/gguf-beside.ts'
import type { Checkpoint } from '../model/checkpoint.ts'
import { CHAT_FORMATS, type ChatFormat, isChatFormat } from '../tokenizer/chat-format.ts'
import { ChatTemplate } from '../tokenizer/chat-template.ts'
import { formatHintOfTekken, TEKKEN_HEAD_BYTES } from '../tokenizer/format-hint.ts'

export interface TemplateOptions {
  /** Jinja source to use instead of the checkpoint's own template. */
  chatTemplate?: string | undefined
  /** A version of Mistral's own chat format to use instead of the checkpoint's template, as mistral-common writes it. */
  chatFormat?: ChatFormat | undefined
  /**
   * Decides about messages of one role that stand together, where the template demands that roles alternate. `'merge'`
   * (default) makes one message of them, joined with an empty line, as mistral-common does; `'refuse'` is an error.
   */
  neighbours?: 'merge' | 'refuse' | undefined
}

/** @throws ParameterError naming the option */
export function checkTemplateOptions({ chatTemplate, chatFormat, neighbours }: TemplateOptions): void {
  checkParameter('chatTemplate', chatTemplate, orElse(undefined, JINJA))
  checkParameter('chatFormat', chatFormat, orElse(undefined, oneOf(...CHAT_FORMATS)))
  checkParameter('neighbours', neighbours, orElse(undefined, oneOf('merge', 'refuse')))
  if (chatFormat !== undefined && chatTemplate !== undefined) {
    throw new ParameterError('chatFormat', chatFormat, 'and chatTemplate exclude each other')
  }
}

const JINJA = check((value) => typeof value === 'string', 'Jinja source')

/** The options must be checked. @throws ChatTemplateError, TokenizerError for a template that cannot be read */
export async function loadTemplate(
  { files, format, gguf }: Checkpoint,
  { chatTemplate, chatFormat }: TemplateOptions,
  signal?: AbortSignal,
): Promise<ChatTemplate> {
  if (chatTemplate !== undefined) return ChatTemplate.fromSource(chatTemplate)
  if (chatFormat !== undefined) return ChatTemplate.builtIn(chatFormat)
  const isBeside = gguf === undefined || hasTokenizerBeside(gguf)
  const own = isBeside ? await ChatTemplate.fromSourceFiles(files, signal) : await ChatTemplate.fromGguf(gguf)
  if (gguf !== undefined) return own ?? (await ChatTemplate.fromGguf(gguf)) ?? ChatTemplate.builtIn()
  const origin = format === 'mistral' ? 'vendor' : 'built-in'
  return own ?? ChatTemplate.builtIn(await formatOfTekken(files, signal), origin)
}

/** The version that a `tekken.json` beside the converted tokenizer states; that one does not keep it. */
async function formatOfTekken(files: Checkpoint['files'], signal?: AbortSignal): Promise<ChatFormat | undefined> {
  const reader = await files.open('tekken.json', signal)
  if (reader === undefined) return undefined
  const head = await reader.read(0, Math.min(reader.size, TEKKEN_HEAD_BYTES), signal)
  const hint = formatHintOfTekken(new TextDecoder().decode(head))
  return isChatFormat(hint) ? hint : undefined
}
