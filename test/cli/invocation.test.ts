/** Commands are named as they would be typed, and so is what to do when there is no GPU. */
import { describe, expect, it } from 'vitest'
import { errorText, nextStep } from '../../src/cli/error-text.ts'
import { commandLine } from '../../src/cli/invocation.ts'
import {
  ChatTemplateError,
  ConfigError,
  ContextLengthError,
  DeviceError,
  DeviceLostError,
  MemoryError,
  ParameterError,
} from '../../src/errors.ts'
import { runCommand, stage } from './stage.ts'

describe('another command is started', () => {
  const of = (script: string, env: Record<string, string> = {}, runtime = 'node 22.1.0, linux x64') => {
    const { terminal } = stage({ env }).cli
    return commandLine({ terminal: { ...terminal, script, runtime } }, 'doctor --json')
  }
  it.each([
    ['/home/me/clone/src/cli/main.ts', { npm_command: 'run-script' }, 'npm run doctor -- --json'],
    ['C:\\clone\\src\\cli\\main.ts', { npm_command: 'run-script' }, 'npm run doctor -- --json'],
    [
      '/x/.npm/_npx/1/node_modules/.bin/mistral-webgpu',
      { npm_command: 'exec' },
      'npx -p mistral-webgpu -p webgpu mistral-webgpu doctor --json',
    ],
    ['/usr/local/bin/mistral-webgpu', {}, 'mistral-webgpu doctor --json'],
    ['/app/node_modules/.bin/mistral-webgpu', {}, 'npx mistral-webgpu doctor --json'],
    ['/app/node_modules/.bin/mistral-webgpu', { npm_command: 'run-script' }, 'npx mistral-webgpu doctor --json'],
    ['/app/node_modules/mistral-webgpu/dist/cli/main.js', {}, 'npx mistral-webgpu doctor --json'],
    ['/home/me/clone/dist/cli/main.js', {}, 'node /home/me/clone/dist/cli/main.js doctor --json'],
    [
      '/home/me/clone/src/cli/main.ts',
      {},
      'node --conditions=mistral-webgpu-source --import tsx /home/me/clone/src/cli/main.ts doctor --json',
    ],
  ])('as %s with %j was', (script, env, line) => {
    expect(of(script, env)).toBe(line)
  })

  it('under Deno', () => {
    expect(of('/x/main.js', {}, 'deno 2.9.0, linux x64')).toBe('deno run -A npm:mistral-webgpu doctor --json')
  })
})

describe('errors', () => {
  it('name the options of the command line', () => {
    expect(errorText(new ParameterError('top_p', 2, 'must be less'))).toBe('option --top-p (2): must be less')
    expect(errorText(new ParameterError('contextLength', 2, 'is odd'))).toBe('option --context-length (2): is odd')
    expect(errorText(new ParameterError('messages[0].role', 2, 'is odd'))).toMatch(/^parameter "messages\[0\]\.role"/)
    expect(errorText(new ContextLengthError(9, 8))).toBe(
      'the prompt has 9 tokens, the context holds 8; shorten it, or start with a larger --context-length',
    )
    expect(errorText(new MemoryError('the cache', 10, 5))).toBe(
      'the cache needs 10 bytes, the device allows 5; use --weights q8 or q4, or a smaller --context-length',
    )
  })

  it('name the options that stand in for a template or a quantization', () => {
    const { cli } = stage()
    const broken = new ChatTemplateError('the chat template does not parse: x')
    expect(nextStep(cli, broken)).toMatch(/^--chat-template FILE takes another template, and --chat-format VERSION/)
    expect(nextStep(cli, new ChatTemplateError('After the optional system message …'))).toBeUndefined()
    const quantized = new ConfigError('quantization_config', 'awq', "take the original, which weights: 'q4' quantizes")
    expect(errorText(quantized)).toMatch(/take the original, which --weights q4 quantizes$/)
  })

  it('send to the doctor when there is no device, and not when it was lost or is too small', () => {
    const { cli } = stage()
    expect(nextStep(cli, new DeviceError('no adapter'))).toBe(
      'Run "mistral-webgpu doctor": it shows what is missing and what to install.',
    )
    for (const error of [new DeviceLostError('unknown', 'x'), new MemoryError('x', 2, 1), new Error('x')]) {
      expect(nextStep(cli, error)).toBeUndefined()
    }
  })

  // Other systems do not find their GPU through the Vulkan loader, so its variables cannot hide it.
  it.runIf(process.platform === 'linux').each(['chat', 'generate', 'serve', 'bench'])(
    'of %s without an adapter say how to ask the doctor',
    async (command) => {
      const env = { VK_ICD_FILENAMES: '/nowhere.json', VK_DRIVER_FILES: '/nowhere.json', npm_command: 'run-script' }
      const args = { chat: [], generate: ['Hello'], serve: ['--port', '0'], bench: [] }[command]!
      const result = await runCommand([command, ...args], { env })
      expect(result.stderr).toMatch(/^error: .*adapter.*\nRun "npm run doctor": it shows what is missing/m)
      expect(result).toMatchObject({ code: 1, hung: false, stdout: '' })
    },
  )
})
