/** How to start another command of this program, in the way that this one was started. */
import type { Cli } from './context.ts'

/**
 * The line for a shell: `npm run doctor` in a clone, `npx …` where npx started this, else the program's own name.
 * @param command with its options, for example `doctor`
 */
export function commandLine(cli: Cli, command: string): string {
  const { env, runtime, script } = cli.terminal
  if (runtime.startsWith('deno')) return `deno run -A npm:mistral-webgpu ${command}`
  const [name, ...options] = command.split(' ')
  const rest = options.length > 0 ? ` -- ${options.join(' ')}` : ''
  // npm tells the scripts that it runs which command it was asked for.
  if (env.npm_command === 'run-script' && script.replaceAll('\\', '/').endsWith('src/cli/main.ts')) {
    return `npm run ${name}${rest}`
  }
  if (env.npm_command === 'exec') return `npx -p mistral-webgpu -p webgpu mistral-webgpu ${command}`
  // A program of a project's own packages is on nobody's path.
  if (script.includes('node_modules')) return `npx mistral-webgpu ${command}`
  return /\.[jt]s$/.test(script) ? `node ${fromHere(script)} ${command}` : `mistral-webgpu ${command}`
}

/** Sources need what turns TypeScript into JavaScript. */
function fromHere(script: string): string {
  return script.endsWith('.ts') ? `--conditions=mistral-webgpu-source --import tsx ${script}` : script
}
