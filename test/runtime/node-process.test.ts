/** Node processes that use the library end by themselves. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root, runChild, runModule } from '../support/child.ts'
import { disabledFeatures } from '../support/features.ts'
import { fixture } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'

const { path, reference } = fixture('gguf-q8_0')
const timeout = 120_000

/** A module in a process of its own, which must end by itself; its last line of output, parsed. */
async function inNode(body: string): Promise<unknown> {
  const source = `
    import { MistralModel } from ${JSON.stringify(join(root, 'src/index.ts'))}
    const options = { disableFeatures: ${JSON.stringify(disabledFeatures())} }
    const path = ${JSON.stringify(join(path, 'model.gguf'))}
    const prompt = ${JSON.stringify(reference.prompt)}
    const greedy = { do_sample: false, max_tokens: 40, ignore_eos: true }
    const ids = []
    ${body}`
  const result = await runModule(source, { timeoutMs: timeout - 10_000 })
  expect(result, result.stderr).toMatchObject({ code: 0, signal: undefined, hung: false })
  return JSON.parse(result.stdout.trim().split('\n').at(-1)!)
}

describe('a Node process ends by itself', { timeout: patience(timeout) }, () => {
  it('after load, a whole generation and dispose', async () => {
    const found = await inNode(`
      const model = await MistralModel.load(path, options)
      for await (const { tokenId } of model.generate(prompt, greedy)) ids.push(tokenId)
      model.dispose()
      console.log(JSON.stringify(ids))`)
    expect(found).toHaveLength(40)
    expect((found as number[]).slice(0, 16)).toEqual(reference.greedy)
  })

  it('after a break out of the loop, and the next generation gives what it always gives', async () => {
    const found = await inNode(`
      const model = await MistralModel.load(path, options)
      for await (const { tokenId } of model.generate(prompt, greedy)) if (ids.push(tokenId) === 5) break
      const again = []
      for await (const { tokenId } of model.generate(prompt, greedy)) if (again.push(tokenId) === 16) break
      model.dispose()
      console.log(JSON.stringify([ids, again]))`)
    expect(found).toEqual([reference.greedy.slice(0, 5), reference.greedy])
  })

  it('after an abort in the middle of an answer, disposed by `using` rules', async () => {
    const found = await inNode(`
      const model = await MistralModel.load(path, options)
      const stop = new AbortController()
      let failure = 'none'
      try {
        for await (const { tokenId } of model.generate(prompt, greedy, { signal: stop.signal })) {
          if (ids.push(tokenId) === 7) stop.abort()
        }
      } catch (error) {
        failure = error.name
      }
      model[Symbol.dispose]()
      console.log(JSON.stringify([ids, failure]))`)
    expect(found).toEqual([reference.greedy.slice(0, 7), 'AbortError'])
  })

  it('after an abort during the load, without dispose', async () => {
    const found = await inNode(`
      const failures = []
      for (const phase of ['open', 'weights', 'compile']) {
        const stop = new AbortController()
        const onProgress = (progress) => progress.phase === phase && stop.abort()
        const load = MistralModel.load(path, { ...options, signal: stop.signal, onProgress })
        failures.push(await load.then((model) => 'loaded ' + model.dispose(), (error) => error.name))
      }
      console.log(JSON.stringify(failures))`)
    expect(found).toEqual(['AbortError', 'AbortError', 'AbortError'])
  })

  it('after a prompt that is refused, and a model that was disposed while it generated', async () => {
    const found = await inNode(`
      const model = await MistralModel.load(path, options)
      const names = [await model.logits([-1]).catch((error) => error.name)]
      const steps = model.generate(prompt, greedy)
      await steps.next()
      model.dispose()
      names.push(await steps.next().then(() => 'none', (error) => error.name))
      console.log(JSON.stringify(names))`)
    expect(found).toEqual(['ParameterError', 'DeviceError'])
  })

  it('after the example', async () => {
    const flags = ['--conditions=mistral-webgpu-source', '--import', 'tsx']
    const example = [join(root, 'examples/node/chat.mjs'), join(root, 'models/pocket'), 'Who are you?']
    const result = await runChild(process.execPath, [...flags, ...example], { timeoutMs: timeout - 10_000 })
    expect(result, result.stderr).toMatchObject({ code: 0, hung: false })
    expect(result.stdout.trim().length).toBeGreaterThan(10)
  })
})
