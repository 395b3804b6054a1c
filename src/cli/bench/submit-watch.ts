import type { Gpu } from '../../gpu/device.ts'

/** Knows when the device's last submit returned: what lies before it, in one step, is JavaScript's own work. */
export class SubmitWatch {
  private submitted = 0

  constructor(private readonly gpu: Gpu) {
    const submit = gpu.submit
    gpu.submit = (commands) => {
      submit.call(gpu, commands)
      this.submitted = performance.now()
    }
  }

  /** Milliseconds from `start` to the end of the last submit; undefined when nothing was submitted since. */
  since(start: number): number | undefined {
    return this.submitted >= start ? this.submitted - start : undefined
  }

  /** The device is as before. */
  stop(): void {
    Reflect.deleteProperty(this.gpu, 'submit')
  }
}
