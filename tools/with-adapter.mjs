/**
 * Runs a command with a WebGPU adapter selected: `node tools/with-adapter.mjs [options] command args...`
 *
 *   --adapter=hardware|lavapipe|swiftshader   this adapter and no other   (or MISTRAL_WEBGPU_ADAPTER)
 *   --disable=shader-f16,subgroups            do as if it lacked these    (or MISTRAL_WEBGPU_DISABLE)
 *   --show                                    print the choice, run nothing
 */
import { spawn } from 'node:child_process'
import { delimiter } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findAdapter } from './adapter.mjs'

const env = { ...process.env }
let show = false
const [command, ...args] = takeOptions(process.argv.slice(2))

let choice
try {
  choice = await findAdapter(env)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
Object.assign(env, choice?.env)
// The programs of this package (vitest, tsx, deno) can be named without npm, too.
const pathKey = Object.keys(env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH'
env[pathKey] = [fileURLToPath(new URL('../node_modules/.bin', import.meta.url)), env[pathKey]].join(delimiter)

if (show) {
  console.log(JSON.stringify(choice ?? null, null, 2))
} else if (command === undefined) {
  console.error('usage: node tools/with-adapter.mjs [--adapter=...] [--disable=...] [--show] command args...')
  process.exitCode = 2
} else {
  if (choice === undefined)
    console.error('with-adapter: found no WebGPU adapter; `npm run doctor` says what to install')
  run(command === 'node' ? process.execPath : command, args)
}

/** Options stand before the command, so that those of the command are its own. */
function takeOptions(words) {
  while (words[0]?.startsWith('--')) {
    const [name, value] = words.shift().split('=', 2)
    if (name === '--adapter') env.MISTRAL_WEBGPU_ADAPTER = value
    else if (name === '--disable') env.MISTRAL_WEBGPU_DISABLE = value
    else if (name === '--show') show = true
    else {
      console.error(`with-adapter: unknown option ${name}`)
      process.exit(2)
    }
  }
  return words
}

function run(file, words) {
  const child = spawn(file, words, {
    stdio: 'inherit',
    env,
    shell: process.platform === 'win32' && file !== process.execPath,
  })
  child.on('error', (error) => {
    console.error(`with-adapter: cannot start ${file}: ${error.message}`)
    process.exitCode = 127
  })
  const forward = (signal) => {
    // A terminal sends Ctrl-C to the whole group: the child has it already, and twice would mean something else to it.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, forward)
  child.on('exit', (code, signal) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name)
    if (signal) process.kill(process.pid, signal)
    else process.exitCode = code ?? 1
  })
}
