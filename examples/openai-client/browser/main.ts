/**
 * `new OpenAI({ fetch: app.fetch })`: code that was written for OpenAI's API runs on the visitor's own GPU.
 * `?model=URL` loads another model than the embedded one (the development server has it at `/pocket`).
 */
import { MistralChat } from 'mistral-webgpu'
import { createApp } from 'mistral-webgpu/server'
import OpenAI from 'openai'

const find = <T extends HTMLElement>(id: string) => document.getElementById(id) as T
const [form, question, answer] = [find('form'), find<HTMLTextAreaElement>('question'), find('answer')]
const [send, stop, status] = [find<HTMLButtonElement>('send'), find<HTMLButtonElement>('stop'), find('status')]

const source = new URL(new URLSearchParams(location.search).get('model') ?? '/pocket', location.href).href
// The app is there before its model: until then it answers 503, which the client tries again.
const loading = MistralChat.load(source, { contextLength: 512 })
const app = createApp(loading, { modelId: 'local' })
// The client warns of keys in pages; there is none here.
const client = new OpenAI({ apiKey: 'local', fetch: app.fetch, dangerouslyAllowBrowser: true })

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const stopping = new AbortController()
  stop.onclick = () => stopping.abort()
  answer.textContent = ''
  busy(true)
  try {
    const stream = await client.chat.completions.create(
      {
        model: 'local',
        messages: [{ role: 'user', content: question.value }],
        max_tokens: 60,
        temperature: 0,
        stream: true,
      },
      { signal: stopping.signal },
    )
    let reason: string | null = null
    for await (const { choices } of stream) {
      answer.append(choices[0]?.delta.content ?? '')
      reason = choices[0]?.finish_reason ?? reason
    }
    status.textContent = reason === null ? 'stopped' : `ended by ${reason}`
  } catch (error) {
    status.textContent = error instanceof Error ? error.message : String(error)
  } finally {
    busy(false)
  }
})

function busy(running: boolean): void {
  send.disabled = running
  stop.disabled = !running
  if (running) status.textContent = 'answering'
}

try {
  await loading
  status.textContent = 'ready'
  send.disabled = false
} catch (error) {
  status.textContent = error instanceof Error ? error.message : String(error)
}
