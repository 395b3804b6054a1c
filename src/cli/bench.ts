/** `bench`: how fast a model runs on this GPU. */
import type { Command } from 'commander'
import { addBenchOptions, benchOptions } from './bench/options.ts'
import { renderReport } from './bench/render.ts'
import { runBench } from './bench/run.ts'
import { type Cli, interruptible } from './context.ts'
import type { Values } from './options.ts'

export function registerBench(program: Command, cli: Cli): void {
  const command = program
    .command('bench')
    .description('Measure how fast a model runs on this GPU, and how close that comes to what its memory allows.')
  addBenchOptions(command)
    .addHelpText('after', HELP)
    .action((values: Values) => bench(cli, values))
}

async function bench(cli: Cli, values: Values): Promise<void> {
  const options = benchOptions(cli, values)
  const report = await interruptible(cli, (signal) => runBench(cli, options, signal))
  const text = options.json ? JSON.stringify(report, undefined, 2) : renderReport(cli, report)
  await cli.terminal.out.write(`${text}\n`)
}

const HELP = `
Examples:
  $ mistral-webgpu bench
  $ mistral-webgpu bench -m ./Mistral-7B-Instruct-v0.3 --contexts 128,2048
  $ mistral-webgpu bench --shape 7b --weights q4 --kernels   random weights
  $ mistral-webgpu bench --disable f16,subgroups --json      baseline kernels

Speeds are medians; the first run of each length warms up and does not count.
"of streaming" sets what decoding reads per second, weights and cache, beside
what a plain kernel reads per second from a large buffer on this adapter:
decoding is bound by memory on a GPU, so 100 % is as fast as it can get.`
