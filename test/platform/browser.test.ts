import { afterEach, describe, expect, it, vi } from 'vitest'
import { CheckpointError, DeviceError, ParameterError } from '../../src/errors.ts'
import { platform } from '../../src/platform/browser.ts'

afterEach(() => vi.unstubAllGlobals())

describe('the platform of browsers', () => {
  it('hands out navigator.gpu', async () => {
    const gpu = { requestAdapter: () => undefined }
    vi.stubGlobal('navigator', { gpu })
    expect(await platform.openGpu()).toBe(gpu)
  })

  it('tells a browser without WebGPU from a page that is not secure', async () => {
    vi.stubGlobal('navigator', {})
    await expect(platform.openGpu()).rejects.toThrow(DeviceError)
    await expect(platform.openGpu()).rejects.toThrow(/Chrome/)
    vi.stubGlobal('isSecureContext', false)
    await expect(platform.openGpu()).rejects.toThrow(/https/)
  })

  it('has no null backend and no paths', async () => {
    await expect(platform.openGpu({ backend: 'null' })).rejects.toThrow(ParameterError)
    expect(await platform.pathKind('models/a.gguf')).toBeUndefined()
    await expect(platform.openFile('models/a.gguf')).rejects.toThrow(CheckpointError)
    expect(platform.joinPath('models/', 'a.gguf')).toBe('models/a.gguf')
    expect(platform.joinPath('', 'a.gguf')).toBe('a.gguf')
  })
})
