/** What cannot be opened says what to do instead. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CHECKPOINTS, copy, folder, picked, put, refused } from './folders.ts'

const CONFIG = readFileSync(join(CHECKPOINTS, 'tied-f16/config.json'), 'utf8')

describe('what cannot be opened says what to do', () => {
  const zip = 'PK\x03\x04................'
  const FILES: readonly (readonly [name: string, content: string, fact: RegExp])[] = [
    ['pytorch_model.bin', zip, /PyTorch pickle.* take the \*\.safetensors/],
    ['model.pt', '\x80\x02xxxx', /PyTorch pickle/],
    ['consolidated.00.pth', zip, /PyTorch pickle/],
    ['model.onnx', '\x08\x07xxxx', /a model for ONNX Runtime; take/],
    ['model.mlmodel', 'xx', /Core ML/],
    ['model.tflite', '....TFL3', /LiteRT/],
    ['tf_model.h5', '\x89HDF\r\n\x1a\n', /Keras/],
    ['model.zip', zip, /zip archive; unpack it and pass the folder/],
    ['model.tar', `${'x'.repeat(257)}ustar`, /tar archive; unpack it/],
    ['model.gguf.gz', '\x1f\x8b\x08xxxx', /compressed with gzip; unpack it/],
    ['model.gguf.part', 'GGXF', /download that did not finish/],
    ['ggml-model-q4_0.bin', 'tjgg....', /GGML file from before GGUF; download the model again/],
    ['mistral.llamafile', 'MZqFpD', /llamafile holds a \.gguf/],
    ['weights.gguf', `\x10${'\0'.repeat(7)}{"a": 1}........`, /is a safetensors file; call it model\.safetensors/],
    ['notes', 'hello', /is no checkpoint; pass a \.gguf, or a folder with config\.json/],
  ]
  it.each(FILES)('%s', async (name, content, fact) => {
    const bytes = Uint8Array.from(content, (char) => char.charCodeAt(0))
    // A model beside it must not be opened in the file's place.
    copy(join(CHECKPOINTS, 'tied-f16'), 'm')
    const error = await refused(put([`m/${name}`, bytes]))
    expect(error.file).toBe(name)
    expect(error.fact).toMatch(fact)
    expect((await refused(new File([bytes], name))).fact).toMatch(fact)
  })

  const FOLDERS: readonly (readonly [files: Record<string, string>, file: string, fact: RegExp])[] = [
    [{ 'consolidated.safetensors': 'x' }, 'consolidated.safetensors', /needs the params.json of the same/],
    [{ 'params.json': '{}', 'tekken.json': '{}' }, 'params.json', /needs consolidated.safetensors, or its index/],
    [
      { 'adapter_config.json': '{"base_model_name_or_path":"a/b"}', 'adapter_model.safetensors': 'x' },
      'adapter_config.json',
      /adapter \(LoRA\).*load its base model a\/b/,
    ],
    [{ 'config.json': CONFIG, 'model.mlpackage': 'x' }, 'model.mlpackage', /Core ML/],
    [{ 'a.gguf.part': 'x' }, 'a.gguf.part', /did not finish/],
    [{ 'mlc-chat-config.json': '{}', 'params_shard_0.bin': 'x' }, 'mlc-chat-config.json', /MLC and WebLLM/],
    [{ 'model.tar.gz': 'x' }, 'model.tar.gz', /archive; unpack it/],
  ]
  it.each(FOLDERS)('a folder case %#', async (files, file, fact) => {
    put(...Object.entries(files).map(([name, content]) => [`m/${name}`, content] as const))
    for (const source of [join(folder, 'm'), picked(join(folder, 'm'))]) {
      const error = await refused(source)
      expect(error.fact).toMatch(fact)
      expect(error.file).toBe(file)
    }
  })

  it('a folder of folders', async () => {
    copy(join(CHECKPOINTS, 'tied-f16'), 'models/one')
    expect((await refused(join(folder, 'models'))).fact).toMatch(/did you mean \S+models\/one\?$/)
    copy(join(CHECKPOINTS, 'tied-f16'), 'models/two')
    const several = await refused(picked(join(folder, 'models')))
    expect(several.fact).toMatch(/several checkpoints \(models\/(?:one|two), models\/(?:two|one)\); pick one/)
  })

  it('weights under a name of another format, and weights alone', async () => {
    put(['m/model.safetensors', `GGUF\x03${'\0'.repeat(40)}`])
    for (const source of [join(folder, 'm'), picked(join(folder, 'm'))]) {
      expect((await refused(source)).fact).toMatch(/no config\.json/)
    }
    expect((await refused(join(folder, 'm'))).fact).toMatch(/has weights, but no config\.json, .*fetch it/)
    put(['m/config.json', CONFIG])
    expect((await refused(join(folder, 'm'))).fact).toMatch(/is a GGUF; call it \*\.gguf/)
  })

  it.each([
    ['~/models/x', /^there is no such file or folder$/],
    ['~somebody/models/x', /of "~" only the own home is known: write the path out/],
    ['hf.co/me/tiny:Q4_0', /^is not in the cache .* is not asked \(offline\)$/],
    [
      'mistralai/Mistral-7B-Instruct-v0.3',
      /^there is no such file or folder; and on the Hugging Face Hub: is not in the cache/,
    ],
    ['mistral:7b', /of Ollama's is ollama:mistral:7b, one of the Hugging Face Hub owner\/name/],
    ['/nowhere/x.gguf', /^there is no such file or folder$/],
  ])('a path that leads nowhere: %s', async (path, fact) => {
    expect((await refused(path)).fact).toMatch(fact)
  })

  it('an address of a folder without a config.json', async () => {
    const server = createServer((_, response) => response.writeHead(404).end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/models`
    const { message } = await refused(url)
    server.close()
    expect(message).toMatch(
      /models: holds no checkpoint: .* is needed; a GGUF that is not called model\.gguf must be named/,
    )
  })
})
