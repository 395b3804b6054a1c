/** What is known of a device's failures, and when. */
import { expect, test } from 'vitest'
import { DeviceLostError } from '../../src/errors.ts'
import { DeviceHealth } from '../../src/gpu/health.ts'

/** A device that says nothing yet. */
function device() {
  let lose: (info: GPUDeviceLostInfo) => void = () => {}
  const lost = new Promise<GPUDeviceLostInfo>((resolve) => {
    lose = resolve
  })
  const silent = { lost, onuncapturederror: null } as unknown as GPUDevice
  return { silent, lose: () => lose({ reason: 'unknown', message: 'reset' } as GPUDeviceLostInfo) }
}

test('whoever waits hears of a loss that comes after what it rejected', async () => {
  const { silent, lose } = device()
  const health = new DeviceHealth(silent)
  const waiting = [health.settled(), health.settled()]
  expect(() => health.check()).not.toThrow()
  lose()
  await Promise.all(waiting)
  expect(() => health.check()).toThrow(DeviceLostError)
  await health.settled()
})

test('nobody waits for a device that was given up', async () => {
  const { silent } = device()
  const health = new DeviceHealth(silent)
  const waiting = health.settled()
  health.dispose(silent)
  await waiting
  await health.settled()
  expect(() => health.check()).toThrow('disposed')
})
