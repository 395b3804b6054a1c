'use client'

import { MistralError } from 'mistral-webgpu'
import pocket from 'mistral-webgpu/pocket'
import { MistralChat } from 'mistral-webgpu/worker'
import { useEffect, useState } from 'react'

const REQUEST = { messages: [{ role: 'user', content: 'What is a mistral?' }], temperature: 0, max_tokens: 24 }

async function answer(): Promise<string> {
  const chat = await MistralChat.load(pocket)
  const { text } = await chat.complete(REQUEST)
  await chat.dispose()
  return text
}

async function byName(): Promise<string> {
  try {
    await (await MistralChat.load('pocket')).dispose()
    return 'loaded'
  } catch (error) {
    return error instanceof MistralError ? `${error.name}: ${error.message}` : `untyped: ${error}`
  }
}

async function fileOf(name: string): Promise<File> {
  const file = await pocket.open(name)
  if (typeof file !== 'object' || file === null || !('read' in file)) throw new Error(`${name} is not to be read`)
  return new File([(await file.read(0, file.size)) as BlobPart], name)
}

/** An opener stays with its tab; files can be had in a shared worker, too. */
async function shared(): Promise<string> {
  const names = [...((await pocket.list?.()) ?? [])]
  const files = await Promise.all(names.map(fileOf))
  const chat = await MistralChat.load(files, { shared: 'pocket' })
  const { text } = await chat.complete(REQUEST)
  const { host } = await chat.status()
  await chat.dispose()
  return `${host}: ${text}`
}

/** Asks a model in a worker, then what its bare name gives there, then one that tabs share. */
export default function Page() {
  const [shown, show] = useState({ answer: '', byName: '', shared: '' })
  useEffect(() => {
    const ask = async () =>
      show({
        answer: await answer().catch(String),
        byName: await byName(),
        shared: await shared().catch(String),
      })
    void ask()
  }, [])
  return (
    <>
      <p id="answer">{shown.answer}</p>
      <p id="by-name">{shown.byName}</p>
      <p id="shared">{shown.shared}</p>
    </>
  )
}
