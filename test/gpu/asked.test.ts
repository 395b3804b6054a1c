/** What a device owes when it is given up, and threads that end with one. */
import { expect, test } from 'vitest'
import { DeviceError } from '../../src/errors.ts'
import { Asked, devicesLeft } from '../../src/gpu/asked.ts'
import { runModule } from '../support/child.ts'
import { patience } from '../support/patience.ts'

/** Whether it is settled once everything that can happen by itself has happened. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  void promise.finally(() => {
    settled = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  return settled
}

test('the end waits for each answer, whatever it is, and nothing is asked after it', async () => {
  const asked = new Asked(false)
  let answer = (_: number) => {}
  let refuse = (_: Error) => {}
  const one = new Promise<number>((resolve) => {
    answer = resolve
  })
  const other = new Promise<number>((_, reject) => {
    refuse = reject
  })
  const answers = Promise.allSettled([asked.for(() => one), asked.for(() => other)])
  const ended = asked.ended()
  expect(asked.ended()).toBe(ended)
  answer(1)
  expect(await isSettled(ended)).toBe(false)
  expect(await isSettled(devicesLeft())).toBe(false)
  await expect(asked.for(() => expect.fail('it was asked'))).rejects.toThrow(DeviceError)
  refuse(new Error('lost'))
  await ended
  await devicesLeft()
  expect((await answers).map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
})

test('what was answered before is not waited for', async () => {
  const asked = new Asked(true)
  expect(await asked.for(async () => 3)).toBe(3)
  await asked.ended()
  await devicesLeft()
})

/** A thread that gives its model up in the middle of an answer, and ends at once. */
const THREAD = `
  const { register } = await import('tsx/esm/api')
  register()
  const { MistralChat } = await import('./src/index.ts')
  const chat = await MistralChat.load('pocket')
  for await (const _ of chat.generate({ prompt: 'wind', max_tokens: 20, ignore_eos: true })) break
  await chat.dispose()
  process.exit(0)`

test('a thread that waits for it may end', { timeout: patience(60_000) }, async () => {
  const thread = `(async () => {${THREAD}})()`
  const { code, stdout, stderr } = await runModule(
    `import { Worker } from 'node:worker_threads'
    const thread = new Worker(${JSON.stringify(thread)}, { eval: true, execArgv: ['--conditions=mistral-webgpu-source'] })
    thread.on('exit', (code) => console.log('the process goes on after', code))`,
    { timeoutMs: 60_000 },
  )
  expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: 'the process goes on after 0\n' })
})
