/** Prints the results of `bench` as text. */

import { bytes } from '../../errors/units.ts'
import { type Cli, colorsFor } from '../context.ts'
import { memoryLine } from '../stats.ts'
import type { BenchReport, ContextResult, KernelResult, PerToken, ProfiledKernel, ProfileReport } from './report.ts'

/** The report for people. */
export function renderReport(cli: Cli, report: BenchReport): string {
  const color = colorsFor(cli, 'out')
  const { adapter, model, bandwidth, per_token, js } = report
  const row = (name: string, value: string): string => `${color.bold(name.padEnd(16))} ${value}`
  const features = adapter.features.length > 0 ? adapter.features.join(', ') : 'no optional features'
  const disabled = adapter.disabled.length > 0 ? `; disabled: ${adapter.disabled.join(', ')}` : ''
  const lines = [
    row('adapter', `${adapter.name} (${features}${disabled})`),
    ...(adapter.software ? [row('', color.yellow('a software adapter: its times say nothing about a GPU'))] : []),
    row('model', `${model.source}: ${model.layers} layers, dim ${model.dim}, vocabulary ${model.vocab}`),
    row('on the GPU', `${model.weights.join(' + ')} weights, ${model.kv_cache} cache`),
    row('', memoryLine(model.memory)),
    row('loading', `${(model.load_ms / 1000).toFixed(1)} s, shaders included`),
    row('streaming read', `${digits(bandwidth.gb_per_s)} GB/s (${bytes(bandwidth.buffer_bytes)} buffer)`),
    '',
    ...contextTable(report.contexts).map((line, i) => (i === 0 ? color.bold(line) : line)),
    ...report.skipped_contexts.map(({ context, reason }) => color.dim(`${String(context).padStart(7)}  ${reason}`)),
    '',
    row('each token', counts(per_token)),
    row('', `${digits(per_token.gpu_objects_created)} GPU objects created`),
    row('JavaScript', jsLine('this adapter', js.adapter)),
    row('', nullLine(report)),
  ]
  if (report.kernels) {
    lines.push('', ...kernelTable(report.kernels).map((line, i) => (i === 0 ? color.bold(line) : line)))
  }
  if (report.profile) {
    lines.push(
      '',
      ...profileLines(report.profile).map((line) => (/^ *kernel|^A /.test(line) ? color.bold(line) : line)),
    )
  }
  return lines.join('\n')
}

function profileLines({ file, context, tokens, prefill, decode }: ProfileReport): string[] {
  return [
    `A decoded token, by the GPU's clock (mean of ${tokens}):`,
    ...profileTable(decode),
    '',
    `A prompt of ${context}:`,
    ...profileTable(prefill),
    '',
    `trace: ${file} (open it in https://ui.perfetto.dev or chrome://tracing)`,
  ]
}

function profileTable(kernels: readonly ProfiledKernel[]): string[] {
  const percent = (share: number | null): string => (share === null ? '' : `${(100 * share).toFixed(1)} %`)
  return table(
    ['kernel', 'dispatches', 'ms', 'share', 'bytes', 'of streaming', 'GFLOP/s'],
    kernels.map(({ name, dispatches, ms, share, bytes: read, bandwidth_fraction, gflops }) => [
      name,
      digits(dispatches),
      digits(ms),
      percent(share),
      read === null ? '' : bytes(read),
      percent(bandwidth_fraction),
      gflops === null ? '' : digits(gflops),
    ]),
  )
}

function contextTable(contexts: readonly ContextResult[]): string[] {
  return table(
    ['context', 'prefill tok/s', 'decode tok/s', 'ms/token', 'weights read', 'cache read', 'GB/s', 'of streaming'],
    contexts.map((result) => [
      String(result.context),
      digits(result.prefill_tokens_per_second),
      digits(result.decode_tokens_per_second),
      digits(result.decode_ms),
      bytes(result.weight_bytes_per_token),
      bytes(result.cache_bytes_per_token),
      digits(result.gb_per_s),
      `${(100 * result.bandwidth_fraction).toFixed(1)} %`,
    ]),
  )
}

/** One line for each kernel, under a line of titles. */
export function kernelTable(kernels: readonly KernelResult[]): string[] {
  return table(
    ['kernel', 'weights', 'outputs', 'inputs', 'T', 'ms', 'GFLOP/s', 'GB/s'],
    kernels.map(({ name, dtype, rows, cols, T, ms, gflops, gb_per_s }) => [
      name,
      dtype,
      String(rows),
      String(cols),
      String(T),
      digits(ms),
      digits(gflops),
      digits(gb_per_s),
    ]),
  )
}

function counts(per: PerToken): string {
  const { dispatches, dispatches_per_layer, dispatches_outside_layers } = per
  const split = `${digits(dispatches_per_layer)} a layer + ${digits(dispatches_outside_layers)}`
  const rest = `${digits(per.passes)} passes, ${digits(per.submits)} submits, ${digits(per.readbacks)} readbacks`
  return `${digits(dispatches)} dispatches (${split}), ${rest}`
}

function jsLine(where: string, cost: { layers: number; ms_per_token: number; us_per_dispatch: number }): string {
  return `${where}, ${cost.layers} layers: ${cost.ms_per_token.toFixed(3)} ms a token, ${cost.us_per_dispatch.toFixed(2)} µs a dispatch`
}

function nullLine({ js }: BenchReport): string {
  if (js.null_backend === null) return `no null backend here: ${js.null_backend_missing}`
  const { p10_ms_per_token: p10, step_ms } = js.null_backend
  return `${jsLine('null backend', js.null_backend)} (fastest tenth ${p10.toFixed(3)} ms), ${step_ms.toFixed(3)} ms to the logits`
}

/** Columns flush right, as wide as they need to be. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)))
  return [head, ...rows].map((row) => row.map((cell, i) => cell.padStart(widths[i]!)).join('  '))
}

/** Three digits that say something: `0.123`, `1.23`, `12.3`, `1234`. */
export function digits(value: number): string {
  if (Number.isInteger(value)) return String(value)
  const before = Math.max(0, Math.floor(Math.log10(Math.abs(value))))
  return value.toFixed(Math.max(0, Math.min(3, 2 - before + (Math.abs(value) < 1 ? 1 : 0))))
}
