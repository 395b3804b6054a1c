/** Why nothing can run here, and what to do about it. */
import { signal } from '@preact/signals'

export interface Trouble {
  readonly fact: string
  readonly steps: readonly string[]
}

/** undefined while all is well. */
export const trouble = signal<Trouble | undefined>(undefined)

export async function findTrouble(): Promise<Trouble | undefined> {
  trouble.value = await troubleHere()
  return trouble.value
}

async function troubleHere(): Promise<Trouble | undefined> {
  if (!isSecureContext) {
    return {
      fact: 'Browsers hide WebGPU from pages that are not secure.',
      steps: ['Open this page over https, or from localhost.'],
    }
  }
  // The types promise what older browsers do not have.
  const gpu = navigator.gpu as GPU | undefined
  if (gpu === undefined) return { fact: 'This browser has no WebGPU.', steps: stepsFor(navigator.userAgent) }
  if ((await gpu.requestAdapter()) !== null) return undefined
  return {
    fact: 'This browser has WebGPU but found no GPU that it accepts.',
    steps: [
      'Turn on graphics acceleration in the settings of the browser, and start it again.',
      'Update the graphics driver.',
      'In Chrome and Edge, the page chrome://gpu says what is missing.',
    ],
  }
}

function stepsFor(agent: string): string[] {
  const others = 'Use Chrome or Edge 113, Safari 26, Firefox 141, or newer.'
  if (/Firefox/.test(agent)) {
    return /Linux|Android/.test(agent)
      ? ['Firefox has no WebGPU on Linux and Android yet. Use Chrome or Edge here.']
      : ['Update Firefox: Windows has WebGPU from version 141 on, macOS from 145 on.', others]
  }
  if (/Chrome|Edg/.test(agent)) {
    const linux = 'On Linux, the flag chrome://flags/#enable-unsafe-webgpu turns it on for more graphics drivers.'
    return /Linux/.test(agent) && !/Android/.test(agent) ? [others, linux] : [others]
  }
  if (/Safari/.test(agent)) return ['Update to Safari 26, which comes with macOS 26 and iOS 26.', others]
  return [others]
}
