/** Asks a model in a worker, and shows the answer; then what the bare name of the embedded one gives there. */
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

document.querySelector('#answer').textContent = await answer().catch(String)
document.querySelector('#by-name').textContent = await byName()
