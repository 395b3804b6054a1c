/** What the answers to a request are read by. */
import type { ChatTemplate } from '../tokenizer/chat-template.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import type { AnswerOptions } from './answer.ts'
import type { ParsedRequest } from './request.ts'
import { endsInThought, thinkingTokens } from './thoughts.ts'

/** What all answers to a request have in common. */
export async function answerOptions(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  { params, messages, tools: plan, toolChoice, reasoning_effort: effort }: ParsedRequest,
  promptIds: readonly number[],
): Promise<Omit<AnswerOptions, 'index'>> {
  const tools = plan.tools && (await import('./tool-tokens.ts')).answerTools(tokenizer, plan, toolChoice)
  const shown = params.text.return_full_text
  const continues = messages === undefined || template.answersInside(messages)
  // Texts without messages are as the model writes them: nothing says what its tokens are for.
  const thinking = messages && thinkingTokens(tokenizer)
  const open = thinking !== undefined && endsInThought(promptIds, thinking)
  return {
    stops: params.text.stop,
    logprobs: params.loop.logprobs,
    // An answer begins without the space that the vocabulary puts before a word; a continuation keeps it.
    after: continues || shown ? promptIds : undefined,
    lead: shown ? tokenizer.decode(promptIds) : '',
    tools,
    thinking: thinking && {
      ...thinking,
      open,
      // A model that is asked not to think may begin to all the same.
      budget: params.text.max_reasoning_tokens ?? (effort === 'none' && !open ? 0 : undefined),
      hidden: !params.text.include_reasoning,
    },
  }
}
