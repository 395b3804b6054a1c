/**
 * Asks a model in a worker, and shows the answer; then what the bare name of the embedded one gives there; then where a model
 * is that tabs share, and what it answers.
 */
import { MistralError } from 'mistral-webgpu'
import pocket from 'mistral-webgpu/pocket'
import { MistralChat } from 'mistral-webgpu/worker'

async function answer() {
  const chat = await MistralChat.load(pocket)
  const messages = [{ role: 'user', content: 'What is a mistral?' }]
  const { text } = await chat.complete({ messages, temperature: 0, max_tokens: 24 })
  chat.dispose()
  return text
}

async function byName() {
  try {
    ;(await MistralChat.load('pocket')).dispose()
    return 'loaded'
  } catch (error) {
    return error instanceof MistralError ? `${error.name}: ${error.message}` : `untyped: ${error}`
  }
}

/** An opener stays with its tab; files can be had in a shared worker, too. */
async function shared() {
  const names = await pocket.list()
  const files = await Promise.all(
    names.map(async (name) => {
      const file = await pocket.open(name)
      return new File([await file.read(0, file.size)], name)
    }),
  )
  const chat = await MistralChat.load(files, { shared: 'pocket' })
  const messages = [{ role: 'user', content: 'What is a mistral?' }]
  const { text } = await chat.complete({ messages, temperature: 0, max_tokens: 24 })
  const { host } = await chat.status()
  await chat.dispose()
  return `${host}: ${text}`
}

document.querySelector('#answer').textContent = await answer().catch(String)
document.querySelector('#by-name').textContent = await byName()
document.querySelector('#shared').textContent = await shared().catch(String)
