/**
 * A model of the visitor's own, dropped on the page or loaded from an address, answering on the visitor's GPU.
 * `?model=URL&prompt=TEXT` loads and answers at once; `max_tokens=N` and `sample=1` set the fields of those names.
 */
import type { MistralChat } from 'mistral-webgpu'
import { Conversation } from './conversation.ts'
import { watchSources } from './model-loader.ts'
import { page } from './page.ts'
import { webGpuTrouble } from './webgpu-trouble.ts'

const query = new URLSearchParams(location.search)
let conversation: Conversation | undefined
let firstPrompt = query.get('prompt')

function showChat(chat: MistralChat, name: string): void {
  const { nLayers, dim, vocabSize } = chat.model.config
  page.modelName.textContent = name
  page.modelFacts.textContent = `${nLayers} layers of ${dim}, ${vocabSize} tokens in the vocabulary, room for ${chat.model.contextLength}`
  page.chat.hidden = false
  conversation = new Conversation(chat)
  page.prompt.focus()
  if (firstPrompt !== null) page.ask.requestSubmit()
  firstPrompt = null
}

page.changeModel.addEventListener('click', () => {
  conversation?.dispose()
  conversation = undefined
  page.chat.hidden = true
  page.source.hidden = false
})

page.ask.addEventListener('submit', (event) => {
  event.preventDefault()
  const prompt = page.prompt.value
  if (prompt.trim() === '') return
  void conversation?.answer(prompt, {
    max_tokens: page.maxTokens.valueAsNumber,
    ...(page.sampling.value === 'greedy' ? { do_sample: false } : { temperature: page.temperature.valueAsNumber }),
  })
})

page.prompt.addEventListener('keydown', (event) => {
  // While an input method composes, Enter belongs to it.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  page.ask.requestSubmit()
})

page.stop.addEventListener('click', () => conversation?.stop())
page.newConversation.addEventListener('click', () => conversation?.clear())
page.sampling.addEventListener('change', () => {
  page.temperature.disabled = page.sampling.value === 'greedy'
})

watchSources(showChat)

const trouble = await webGpuTrouble()
if (trouble !== undefined) {
  page.noWebGpu.textContent = trouble
  page.noWebGpu.hidden = false
  page.source.hidden = true
} else {
  page.prompt.value = firstPrompt ?? ''
  page.maxTokens.value = query.get('max_tokens') ?? page.maxTokens.value
  if (query.get('sample') === '1') page.sampling.value = 'sample'
  page.sampling.dispatchEvent(new Event('change'))
  page.url.value = query.get('model') ?? ''
  if (page.url.value !== '') page.urlForm.requestSubmit()
}
