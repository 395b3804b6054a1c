/** Plans in words, a line for each fact. */

import { bytes } from '../errors/units.ts'
import type { ModelPlan } from '../model/plan-types.ts'
import { factRow } from './facts.ts'

export function planLines(plan: ModelPlan): string[] {
  const { memory, contextLength, trainedPositions, largestContext, maxSequences } = plan
  const of = maxSequences === 1 ? '' : ` for each of ${maxSequences} sequences`
  const verdict = plan.fits ? 'fits' : 'does not fit'
  const types = Object.entries(memory.weightsByType).sort(([, a], [, b]) => b - a)
  const lines = [
    factRow('model', `${plan.source} (${plan.format})`),
    factRow('gpu', plan.adapter),
    factRow('weights', `${bytes(memory.weights)}: ${types.map(([type, size]) => `${type} ${bytes(size)}`).join(', ')}`),
    factRow('context', `${contextLength} tokens${of}, of ${trainedPositions} trained; ${largestContext} would fit`),
    factRow('cache', `${bytes(memory.cache)}: ${memory.cacheType}, ${bytes(memory.cachePerToken)} a token`),
    factRow('workspace', bytes(memory.workspace)),
    factRow('total', `${bytes(memory.total)}, ${verdict}`),
  ]
  for (const reason of plan.reasons) lines.push(factRow('why', inBytes(reason)))
  for (const { what, neededBytes, limit, limitBytes } of plan.problems.slice(0, MOST_PROBLEMS)) {
    lines.push(factRow('too large', `${what}: ${bytes(neededBytes)}, ${flagOf(limit)} is ${bytes(limitBytes)}`))
  }
  if (plan.problems.length > MOST_PROBLEMS) {
    lines.push(factRow('', `and ${plan.problems.length - MOST_PROBLEMS} more`))
  }
  for (const { weights, fits, total, contextLength } of plan.alternatives) {
    const does = fits ? `fits, with a context of ${contextLength}` : 'does not fit either'
    lines.push(factRow('instead', `--weights ${weights}: ${bytes(total)}, ${does}`))
  }
  for (const note of plan.notes) lines.push(factRow('note', note))
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
