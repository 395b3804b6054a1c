import { describe, expect, it, vi } from 'vitest'
import { onAbort } from '../../src/async/abort.ts'

describe('waiting for a signal', () => {
  it('takes one listener of the signal, however many wait, and none when all have left', () => {
    const controller = new AbortController()
    const add = vi.spyOn(controller.signal, 'addEventListener')
    const remove = vi.spyOn(controller.signal, 'removeEventListener')
    const called: number[] = []
    const leave = Array.from({ length: 20 }, (_, i) => onAbort(controller.signal, () => called.push(i)))
    expect(add).toHaveBeenCalledTimes(1)
    for (const stop of leave) stop()
    for (const stop of leave) stop()
    expect(remove).toHaveBeenCalledTimes(1)
    controller.abort()
    expect(called).toEqual([])
  })

  it('calls all in their order, once, also those who came after others had left', () => {
    const controller = new AbortController()
    const called: string[] = []
    onAbort(controller.signal, () => called.push('early'))()
    for (const name of ['a', 'b']) onAbort(controller.signal, () => called.push(name))
    const same = () => called.push('same')
    onAbort(controller.signal, same)
    const leave = onAbort(controller.signal, same)
    leave()
    controller.abort()
    controller.abort()
    expect(called).toEqual(['a', 'b', 'same'])
  })

  it('passes over those whom others made leave', () => {
    const controller = new AbortController()
    const called: string[] = []
    let leave = () => {}
    onAbort(controller.signal, () => leave())
    leave = onAbort(controller.signal, () => called.push('gone'))
    controller.abort()
    expect(called).toEqual([])
  })

  it('needs no signal, and does nothing with one that has fired', () => {
    const listener = vi.fn()
    onAbort(undefined, listener)()
    onAbort(AbortSignal.abort(), listener)()
    expect(listener).not.toHaveBeenCalled()
  })
})
