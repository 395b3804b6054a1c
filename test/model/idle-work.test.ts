/** Work that waits until nobody needs the machine. */
import { expect, test } from 'vitest'
import { IdleWork } from '../../src/model/idle-work.ts'

test('begins when nobody holds it, one piece after another, and goes on after one that fails', async () => {
  const idle = new IdleWork()
  const events: string[] = []
  let end = () => {}
  const piece = (name: string) => async () => {
    events.push(`${name} begins`)
    await new Promise<void>((resolve) => {
      end = resolve
    })
    events.push(`${name} ends`)
    if (name === 'b') throw new Error('no')
  }
  const first = idle.hold()
  const second = idle.hold()
  for (const name of ['a', 'b', 'c']) idle.add(piece(name))
  first()
  // Twice is once.
  first()
  await new Promise((resolve) => setTimeout(resolve, 150))
  expect(events).toEqual([])
  expect(idle.pending).toBe(3)
  second()
  await expect.poll(() => events).toEqual(['a begins'])
  end()
  await expect.poll(() => events).toEqual(['a begins', 'a ends', 'b begins'])
  const third = idle.hold()
  end()
  await new Promise((resolve) => setTimeout(resolve, 150))
  expect(events.at(-1)).toBe('b ends')
  expect(idle.pending).toBe(1)
  third()
  await expect.poll(() => events.at(-1)).toBe('c begins')
  end()
  await expect.poll(() => idle.pending).toBe(0)
})
