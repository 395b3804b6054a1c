/** Plans in words, a line for each fact. */
import type { ModelPlan } from '../model/plan-types.ts'
import { bytes } from './units.ts'

/** Where the facts begin. */
export const PLAN_INDENT = 17

export function planLines(plan: ModelPlan): string[] {
  const { memory, contextLength, trainedPositions, largestContext, maxSequences } = plan
  const row = (name: string, value: string): string => `${name.padEnd(PLAN_INDENT - 1)} ${value}`
  const of = maxSequences === 1 ? '' : ` for each of ${maxSequences} sequences`
  const verdict = plan.fits ? 'fits' : 'does not fit'
  const types = Object.entries(memory.weightsByType).sort(([, a], [, b]) => b - a)
  const lines = [
    row('model', `${plan.source} (${plan.format})`),
    row('gpu', plan.adapter),
    row('weights', `${bytes(memory.weights)}: ${types.map(([type, size]) => `${type} ${bytes(size)}`).join(', ')}`),
    row('context', `${contextLength} tokens${of}, of ${trainedPositions} trained; ${largestContext} would fit`),
    row('cache', `${bytes(memory.cache)}: ${memory.cacheType}, ${bytes(memory.cachePerToken)} a token`),
    row('workspace', bytes(memory.workspace)),
    row('total', `${bytes(memory.total)}, ${verdict}`),
  ]
  for (const reason of plan.reasons) lines.push(row('why', inBytes(reason)))
  for (const { what, neededBytes, limit, limitBytes } of plan.problems.slice(0, MOST_PROBLEMS)) {
    lines.push(row('too large', `${what}: ${bytes(neededBytes)}, ${flagOf(limit)} is ${bytes(limitBytes)}`))
  }
  if (plan.problems.length > MOST_PROBLEMS) {
    lines.push(row('', `and ${plan.problems.length - MOST_PROBLEMS} more`))
  }
  for (const { weights, fits, total, contextLength } of plan.alternatives) {
    const does = fits ? `fits, with a context of ${contextLength}` : 'does not fit either'
    lines.push(row('instead', `--weights ${weights}: ${bytes(total)}, ${does}`))
  }
  for (const note of plan.notes) lines.push(row('note', note))
  return lines
}

/** Layers are alike: a few of them say it. */
const MOST_PROBLEMS = 4

/** Reasons name options as code does. */
function inBytes(reason: string): string {
  return reason
    .replace(/\(?(\d+) bytes\)?/g, (_, size) => bytes(Number(size)))
    .replace(/weights: '(\w+)'/g, '--weights $1')
    .replace(/kvCache: '(\w+)'/g, '--kv-cache $1')
    .replaceAll('contextLength', '--context-length')
    .replaceAll('maxMemory', '--max-memory')
}

function flagOf(limit: string): string {
  return limit === 'maxMemory' ? '--max-memory' : limit
}
