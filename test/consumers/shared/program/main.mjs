/** Asks the embedded model, as a source and by its name, and prints what comes. */
import { MistralChat, MistralError } from 'mistral-webgpu'
import pocket from 'mistral-webgpu/pocket'

async function ask(source) {
  const chat = await MistralChat.load(source)
  const messages = [{ role: 'user', content: 'What is a mistral?' }]
  const { text } = await chat.complete({ messages, temperature: 0, max_tokens: 24 })
  chat.dispose()
  return text.trim()
}

console.log(await ask(pocket))
console.log(await ask('pocket').catch((error) => (error instanceof MistralError ? String(error) : 'untyped')))
