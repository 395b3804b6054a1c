import { MistralChat, MistralModel } from '../../src/index.ts'
const t0=performance.now()
const chat = await MistralChat.load('/work/shared/models/stories260K.gguf')
console.log('load', performance.now()-t0)
const r = await chat.complete({ prompt: 'Once upon a time', max_tokens: 60, do_sample: false })
console.log(r.text, r.finish_reason, r.usage, r.timings)
chat.dispose()
