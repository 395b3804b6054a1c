import { AbortError, type ChatCompletion, type ChatMessage, type ChatRequest, type MistralChat } from 'mistral-webgpu'
import { clearError, page, showError } from './page.ts'

/** The visitor's conversation with one model. */
export class Conversation {
  private messages: ChatMessage[] = []
  private running: AbortController | undefined
  /** A checkpoint without a chat template is no chat model: it continues texts. */
  private readonly raw: boolean

  constructor(private readonly chat: MistralChat) {
    this.raw = chat.templateOrigin === 'built-in'
    page.rawNote.hidden = !this.raw
    page.promptLabel.textContent = this.raw ? 'Text to continue' : 'Your message'
    page.send.textContent = this.raw ? 'Continue' : 'Send'
    this.clear()
  }

  /** Forgets everything that was said. */
  clear(): void {
    this.stop()
    this.messages = []
    page.log.replaceChildren()
    page.status.textContent = ''
    clearError()
  }

  stop(): void {
    this.running?.abort()
  }

  /** Answers `prompt`, streaming into the log. One answer at a time. */
  async answer(prompt: string, params: Omit<ChatRequest, 'messages' | 'prompt'>): Promise<void> {
    if (this.running !== undefined) return
    clearError()
    const controller = new AbortController()
    this.running = controller
    this.showRunning(true)
    const entry = this.addEntries(prompt)
    const question: ChatMessage = { role: 'user', content: prompt }
    const request = this.raw ? { ...params, prompt } : { ...params, messages: [...this.messages, question] }
    let text = ''
    try {
      const stream = this.chat.generate(request, { signal: controller.signal })
      for await (const chunk of stream) {
        text += chunk.text
        entry.append(chunk.text)
        follow()
      }
      page.status.textContent = summary(await stream.completion)
    } catch (error) {
      // `clear` took the entry out of the page: nobody waits for this answer any more.
      if (!entry.isConnected) return
      page.status.textContent = error instanceof AbortError ? 'Stopped.' : ''
      if (!(error instanceof AbortError)) showError(error)
    } finally {
      // What was stopped half-way stays part of the conversation, as the visitor sees it.
      if (entry.isConnected && text !== '') this.messages.push(question, { role: 'assistant', content: text })
      entry.classList.remove('live')
      this.running = undefined
      this.showRunning(false)
    }
  }

  /** Stops, and frees the model. */
  dispose(): void {
    this.clear()
    this.chat.dispose()
  }

  /** Puts the prompt in the log; the returned entry takes the answer. A text to continue stays in its field. */
  private addEntries(prompt: string): HTMLElement {
    if (this.raw) return addEntry('raw', prompt)
    addEntry('user', prompt)
    page.prompt.value = ''
    return addEntry('answer')
  }

  private showRunning(running: boolean): void {
    page.send.disabled = running
    page.stop.disabled = !running
    page.log.setAttribute('aria-busy', String(running))
    if (running) page.status.textContent = 'Reading…'
  }
}

/** A `raw` entry begins with the text that the model continues. */
function addEntry(kind: 'user' | 'answer' | 'raw', text = ''): HTMLElement {
  const entry = document.createElement('p')
  entry.className = `entry ${kind}`
  if (kind === 'raw') {
    const given = document.createElement('span')
    given.className = 'given'
    given.textContent = text
    entry.append(given)
  } else {
    entry.textContent = text
  }
  if (kind !== 'user') entry.classList.add('live')
  page.log.append(entry)
  page.log.scrollTop = page.log.scrollHeight
  return entry
}

/** Keeps the end of the log in sight, unless the visitor has scrolled up to read. */
function follow(): void {
  if (page.status.textContent === 'Reading…') page.status.textContent = 'Writing…'
  const { log } = page
  if (log.scrollHeight - log.scrollTop - log.clientHeight < 80) log.scrollTop = log.scrollHeight
}

function summary({ usage, timings, finish_reason }: ChatCompletion): string {
  const speed = `${timings.decodeTokensPerSecond.toFixed(1)} tokens/s`
  const end = finish_reason === 'length' ? ', cut at the limit' : ''
  return `${usage.prompt_tokens} tokens read, ${usage.completion_tokens} written at ${speed}${end}`
}
