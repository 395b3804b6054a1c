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

  it('suspects the engine of Firefox alone of telling results late', () => {
    const agents = {
      firefox: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:160.0) Gecko/20100101 Firefox/160.0',
      chrome: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/157.0.0.0 Safari/537.36',
      safari:
        'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/27.2 Safari/605.1.15',
    }
    const suspected = Object.entries(agents).filter(([, userAgent]) => {
      vi.stubGlobal('navigator', { userAgent })
      return platform.mayTellLate
    })
    expect(suspected.map(([name]) => name)).toEqual(['firefox'])
    vi.stubGlobal('navigator', undefined)
    expect(platform.mayTellLate).toBe(false)
  })

  it('has no null backend and no paths', async () => {
    await expect(platform.openGpu({ backend: 'null' })).rejects.toThrow(ParameterError)
    expect(await platform.pathKind('models/a.gguf')).toBeUndefined()
    await expect(platform.openFile('models/a.gguf')).rejects.toThrow(CheckpointError)
    expect(platform.joinPath('models/', 'a.gguf')).toBe('models/a.gguf')
    expect(platform.joinPath('', 'a.gguf')).toBe('a.gguf')
  })
})
