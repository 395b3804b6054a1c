/** `doctor`: the GPU that would be used, or what to install when there is none. */
import type { Command } from 'commander'
import { platform } from '#platform'
import { bytes } from '../errors/units.ts'
import { DeviceError } from '../errors.ts'
import type { OptionalFeature } from '../gpu/device.ts'
import { openGpu } from '../gpu/open.ts'
import { adapterAdvice, packageAdvice } from './advice.ts'
import { type Cli, colorsFor, disabledFeatures, inWindow, UsageError } from './context.ts'
import type { SelfTestFinding, TuneFinding } from './doctor-kernels.ts'
import { errorText } from './error-text.ts'
import { FACTS_INDENT, factRow } from './facts.ts'
import { type ModelFit, modelFits } from './model-fits.ts'
import type { Values } from './options.ts'

export function registerDoctor(program: Command, cli: Cli): void {
  program
    .command('doctor')
    .description('Show the GPU that would be used, what it can run, and what to install when there is none.')
    .option('--self-test', 'check that it computes right, kernel by kernel')
    .option('--tune', 'measure which kernels are fastest on it, and remember them')
    .option('-m, --model <source>', 'measure for the matrices of this model (default: those of Mistral 7B in 4 bits)')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExit codes: 0 there is a usable GPU, 1 there is none, or it computes wrong.')
    .action((values: Values) => doctor(cli, values))
}

async function doctor(cli: Cli, values: Values): Promise<void> {
  const { terminal } = cli
  if (values.model !== undefined && values.tune !== true) throw new UsageError('--model goes with --tune')
  const report = await examine(cli, values)
  const text = values.json === true ? JSON.stringify(report, undefined, 2) : await render(cli, report)
  await terminal.out.write(`${text}\n`)
  if ('error' in report || report.self_test?.passed === false) terminal.setExitCode(1)
}

type Report = Finding | Failure

interface Finding {
  readonly runtime: string
  readonly adapter: {
    readonly name: string
    readonly vendor: string
    readonly architecture: string
    readonly device: string
    readonly description: string
    /** It computes on the CPU. */
    readonly software: boolean
  }
  readonly features: Readonly<Record<OptionalFeature, boolean>>
  /** Lanes of a subgroup that the kernels use, 0 for none. */
  readonly subgroup_lanes: number
  readonly disabled: readonly string[]
  readonly limits: Readonly<Record<string, number>>
  readonly models: readonly ModelFit[]
  /** With `--self-test`. */
  readonly self_test?: SelfTestFinding
  /** With `--tune`. */
  readonly tuning?: TuneFinding
}

interface Failure {
  readonly runtime: string
  readonly error: string
  readonly advice: readonly string[]
}

async function examine(cli: Cli, values: Values): Promise<Report> {
  const { runtime } = cli.terminal
  try {
    await platform.openGpu()
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error
    return { runtime, error: errorText(error), advice: packageAdvice(platform.name) }
  }
  try {
    return await inspect(cli, values)
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error
    return { runtime, error: errorText(error), advice: adapterAdvice(runtime) }
  }
}

/** Other commands start without it. */
const kernels = () => import('./doctor-kernels.ts')

async function inspect(cli: Cli, values: Values): Promise<Finding> {
  const disabled = disabledFeatures(cli)
  const gpu = await openGpu({ disableFeatures: disabled })
  try {
    const { vendor, architecture, device, description } = gpu.adapterInfo
    // Before it is measured: what computes wrong is not worth a time.
    const tested = values.selfTest === true ? await (await kernels()).runSelfTest(gpu) : undefined
    const tunes = values.tune === true && tested?.passed !== false
    const tuned = tunes ? await (await kernels()).runTuner(gpu, values.model as string | undefined) : undefined
    return {
      runtime: cli.terminal.runtime,
      adapter: { name: gpu.name, vendor, architecture, device, description, software: gpu.software },
      features: {
        'shader-f16': gpu.has('shader-f16'),
        subgroups: gpu.has('subgroups'),
        'subgroup-size-control': gpu.has('subgroup-size-control'),
        'timestamp-query': gpu.has('timestamp-query'),
        'chromium-experimental-subgroup-matrix': gpu.has('chromium-experimental-subgroup-matrix'),
      },
      subgroup_lanes: gpu.tuning.subgroupLanes,
      disabled,
      limits: gpu.limits,
      models: modelFits(gpu),
      ...(tested && { self_test: tested }),
      ...(tuned && { tuning: tuned }),
    }
  } finally {
    gpu.dispose()
  }
}

async function render(cli: Cli, report: Report): Promise<string> {
  const color = colorsFor(cli, 'out')
  const row = (name: string, value: string): string => factRow(name, value, color.bold)
  const lines = [row('runtime', report.runtime)]
  if ('error' in report) {
    lines.push(row('gpu', color.red('none')), row('why', report.error), '', 'What to do:')
    return inWindow(cli, 'out', [...lines, ...report.advice.map((step) => `  - ${step}`)].join('\n'), 4)
  }
  const { adapter, features, limits, subgroup_lanes: lanes, disabled } = report
  const has = (name: OptionalFeature, extra = ''): string => {
    if (features[name]) return color.green(`yes${extra}`)
    return color.yellow(disabled.includes(name) ? 'disabled by MISTRAL_WEBGPU_DISABLE' : 'no')
  }
  const lanesText = lanes > 0 ? `, ${lanes} lanes` : ', but their lanes are not usable'
  const nameWidth = Math.max(...report.models.map(({ name }) => name.length))
  const size = (name: string): string => bytes(limits[name] ?? 0)
  lines.push(
    row('adapter', adapter.name),
    ...(adapter.software
      ? [row('', color.yellow('a software adapter: right results at a small part of a GPU’s speed'))]
      : []),
    '',
    row('shader-f16', `${has('shader-f16')}${features['shader-f16'] ? '' : ' (f32 cache and arithmetic instead)'}`),
    row('subgroups', `${has('subgroups', lanesText)}${features.subgroups ? '' : ' (baseline kernels instead)'}`),
    row('timestamp-query', has('timestamp-query')),
    '',
    row('largest buffer', size('maxBufferSize')),
    row(
      'largest binding',
      `${size('maxStorageBufferBindingSize')} (one layer’s cache must fit; larger matrices lie in pieces)`,
    ),
    row('workgroup', `${limits.maxComputeInvocationsPerWorkgroup} threads, ${size('maxComputeWorkgroupStorageSize')}`),
    row('bindings', `${limits.maxStorageBuffersPerShaderStage} storage buffers in a shader`),
    '',
    `${color.bold('What models take')} (the GPU’s memory must hold all of the weights; the context is the largest that a binding holds)`,
    ...report.models.map((fit) => `  ${fit.name.padEnd(nameWidth)} ${describe(fit)}`),
  )
  const { self_test: tested, tuning } = report
  if (tested) lines.push('', color.bold('Self-test'), ...(await kernels()).renderSelfTest(tested))
  if (tuning) lines.push('', color.bold('Kernels'), ...(await kernels()).renderTuning(tuning))
  return inWindow(cli, 'out', lines.join('\n'), FACTS_INDENT)
}

function describe({ max_context: context, weights_bytes: { native, q8, q4 } }: ModelFit): string {
  return `16-bit ${bytes(native)}, q8 ${bytes(q8)}, q4 ${bytes(q4)}; context ${context}`
}
