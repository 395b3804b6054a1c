/**
 * The page: has the model in a worker, answers what the service worker forwards, and asks through the `openai` client.
 * `?model=URL` loads another model than the embedded one.
 */
import { createApp } from 'mistral-webgpu/server'
import { MistralChat } from 'mistral-webgpu/worker'
import OpenAI from 'openai'
import { answerRequests } from './answer-requests.ts'
import { takenByServiceWorker } from './register.ts'

const find = <T extends HTMLElement>(id: string) => document.getElementById(id) as T
const [form, question, answer] = [find('form'), find<HTMLTextAreaElement>('question'), find('answer')]
const [send, stop, status] = [find<HTMLButtonElement>('send'), find<HTMLButtonElement>('stop'), find('status')]

const source = new URL(new URLSearchParams(location.search).get('model') ?? './pocket', location.href).href
// One model for all tabs; when the tab that has it is closed, running answers go on in the others.
const loading = MistralChat.load(source, {
  shared: true,
  contextLength: 1024,
  maxSequences: 4,
  onProgress: ({ loaded, total }) => {
    if (total > 0) status.textContent = `loading the model: ${Math.round((100 * loaded) / total)} %`
  },
  onTabs: (tabs) => {
    find('tabs').textContent = tabs === 1 ? 'Only this tab uses the model.' : `${tabs} tabs use the one model.`
  },
})
// The app is there before its model: until then it answers 503, which the client tries again.
const app = createApp(loading, {
  modelId: 'local',
  log: ({ method, path, status, aborted, completionTokens, durationMs }) => {
    const row = document.createElement('tr')
    const outcome = aborted ? 'stopped' : String(status)
    for (const text of [`${method} ${path}`, outcome, `${completionTokens ?? ''}`, `${Math.round(durationMs)} ms`]) {
      row.insertCell().textContent = text
    }
    find('requests').prepend(row)
  },
})
answerRequests(app.fetch)

const baseURL = `${location.origin}/v1`
find('address').textContent = `${baseURL}/chat/completions`
// The client warns of keys in pages; there is none here.
const client = new OpenAI({ baseURL, apiKey: 'none', dangerouslyAllowBrowser: true })

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const stopping = new AbortController()
  stop.onclick = () => stopping.abort()
  answer.textContent = ''
  busy(true)
  try {
    const stream = await client.chat.completions.create(
      { model: 'local', messages: [{ role: 'user', content: question.value }], temperature: 0, stream: true },
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
  await Promise.all([loading, takenByServiceWorker()])
  status.textContent = 'ready'
  send.disabled = false
} catch (error) {
  status.textContent = error instanceof Error ? error.message : String(error)
}
