/** What shared/program does, as a CommonJS script: asks the embedded model, as a source and by its name, and prints what comes. */
const { MistralChat, MistralError } = require('mistral-webgpu')
const { default: pocket } = require('mistral-webgpu/pocket')

async function ask(source) {
  const chat = await MistralChat.load(source)
  const messages = [{ role: 'user', content: 'What is a mistral?' }]
  const { text } = await chat.complete({ messages, temperature: 0, max_tokens: 24 })
  chat.dispose()
  return text.trim()
}

async function main() {
  console.log(await ask(pocket))
  console.log(await ask('pocket').catch((error) => (error instanceof MistralError ? String(error) : 'untyped')))
}

main()
