'use client'

import { MistralChat, MistralError } from 'mistral-webgpu'
import pocket from 'mistral-webgpu/pocket'
import { useEffect, useState } from 'react'

async function answer(): Promise<string> {
  const chat = await MistralChat.load(pocket)
  const messages = [{ role: 'user', content: 'What is a mistral?' }]
  const { text } = await chat.complete({ messages, temperature: 0, max_tokens: 24 })
  chat.dispose()
  return text
}

async function byName(): Promise<string> {
  try {
    ;(await MistralChat.load('pocket')).dispose()
    return 'loaded'
  } catch (error) {
    return error instanceof MistralError ? `${error.name}: ${error.message}` : `untyped: ${error}`
  }
}

/** Asks the embedded model, and shows the answer; then what its bare name gives in a bundle. */
export default function Page() {
  const [shown, show] = useState({ answer: '', byName: '' })
  useEffect(() => {
    const ask = async () => show({ answer: await answer().catch(String), byName: await byName() })
    void ask()
  }, [])
  return (
    <>
      <p id="answer">{shown.answer}</p>
      <p id="by-name">{shown.byName}</p>
    </>
  )
}
