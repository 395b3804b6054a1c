import { Command } from 'commander'
import pkg from '../../package.json' with { type: 'json' }
import { registerBench } from './bench.ts'
import { registerChat } from './chat.ts'
import { type Cli, colorsFor } from './context.ts'
import { registerDoctor } from './doctor.ts'
import { registerGenerate } from './generate.ts'
import { registerServe } from './serve.ts'

/** The tree of commands. Nothing runs, and nothing is written, before it is given arguments to parse. */
export function createProgram(cli: Cli): Command {
  const { out, err } = cli.terminal
  const help = colorsFor(cli, 'out')
  const program = new Command('mistral-webgpu')
    .description('Mistral chat models on the GPU, through WebGPU: any safetensors or GGUF checkpoint, no conversion.')
    .version(pkg.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help, or the help of a command')
    .helpCommand(false)
    .exitOverride()
    .showHelpAfterError('(--help lists what there is)')
    .configureOutput({
      writeOut: (text) => void out.write(text),
      writeErr: (text) => void err.write(text),
      getOutHelpWidth: () => Math.min(out.columns, 100),
      getErrHelpWidth: () => Math.min(err.columns, 100),
      getOutHasColors: () => help.isColorSupported,
      getErrHasColors: () => colorsFor(cli, 'err').isColorSupported,
    })
    .configureHelp({ styleTitle: help.bold, styleCommandText: help.cyan, styleOptionText: help.cyan })
  program.hook('preAction', () => cli.terminal.wakeGpu())
  registerGenerate(program, cli)
  registerChat(program, cli)
  registerServe(program, cli)
  registerBench(program, cli)
  registerDoctor(program, cli)
  program.addHelpText('after', EXAMPLES)
  return program
}

const EXAMPLES = `
Examples:
  $ mistral-webgpu doctor    is there a GPU, and what can it run?
  $ mistral-webgpu chat      talk to the small model that ships with the package
  $ mistral-webgpu chat --model ./Mistral-7B-Instruct-v0.3 --weights q4
  $ mistral-webgpu generate --model model.gguf --prompt "Why is the sky blue?" --json
  $ mistral-webgpu serve     the HTTP API that OpenAI's clients use, on http://127.0.0.1:8080

Environment:
  MISTRAL_WEBGPU_DISABLE=shader-f16,subgroups   do without these features of the GPU
  MISTRAL_WEBGPU_API_KEY=secret                 keys of "serve", separated by commas
  NO_COLOR=1                                    no colours
  DEBUG=1                                       errors show where they come from

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 ended by Ctrl-C.`
