/** Writes the courses of constraints to the GPU. */
import type { MaskCourse, MaskStage } from '../constraints/course.ts'
import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import { RULES_COPY } from '../gpu/shaders.gen.ts'
import type { maskPlaces } from '../kernels/sampler.ts'
import type { Row } from './batch.ts'
import { wholeMask } from './whole-mask.ts'

const { COURSE_WORDS, STAGE_WORDS } = RULES_COPY

export class CourseWriter {
  /** By the key of a stage the slot of its mask; those used last stand last. */
  private readonly slots = new Map<object, number>()
  /** Outputs that have a course on the GPU. */
  private written = 0
  /** Those that are on the GPU. */
  private stages: readonly MaskStage[] = []

  constructor(
    private readonly gpu: Gpu,
    private readonly masks: Buffer,
    private readonly places: ReturnType<typeof maskPlaces>,
  ) {}

  /** Of the outputs of a batch, which all have rows; undefined for outputs without one. */
  write(courses: readonly (MaskCourse | undefined)[], rows: readonly Row[]): void {
    const starts = new Uint32Array(Math.max(courses.length, this.written) * COURSE_WORDS)
    let base = 0
    for (const [i, course] of courses.entries()) {
      if (course === undefined) continue
      starts.set([rows[i]!.position + 1, base + course.first], i * COURSE_WORDS)
      base += course.stages.length
    }
    this.gpu.write(this.masks, this.places.courses * 4, starts)
    this.written = courses.length
    const given = courses.flatMap((course) => course?.stages ?? [])
    const isThere = given.length === this.stages.length && given.every((stage, i) => stage === this.stages[i])
    if (isThere) return
    this.stages = []
    this.writeStages(courses)
    this.stages = given
  }

  private writeStages(courses: readonly (MaskCourse | undefined)[]): void {
    const all: MaskStage[] = []
    const stages: number[] = []
    const moves: number[] = []
    for (const course of courses) {
      const base = all.length
      for (const stage of course?.stages ?? []) {
        stages.push(moves.length / 2, stage.tokens.length, 0)
        for (let j = 0; j < stage.tokens.length; j++) moves.push(stage.tokens[j]!, base + stage.targets[j]!)
        all.push(stage)
      }
    }
    for (const [i, slot] of this.slotsOf(all).entries()) stages[i * STAGE_WORDS + 2] = slot
    const { stages: atStages, moves: atMoves } = this.places
    this.gpu.write(this.masks, atStages * 4, Uint32Array.from(stages))
    if (moves.length > 0) this.gpu.write(this.masks, atMoves * 4, Uint32Array.from(moves))
  }

  /** From the next batch on none has. */
  end(): void {
    if (this.written === 0) return
    this.gpu.write(this.masks, this.places.courses * 4, new Uint32Array(this.written * COURSE_WORDS))
    this.written = 0
  }

  /** Those whose masks are there already are not written again. */
  private slotsOf(stages: readonly MaskStage[]): number[] {
    const wanted = new Set(stages.map(({ key }) => key))
    for (const key of wanted) this.touch(key)
    for (const { key, mask } of stages) {
      if (this.slots.has(key)) continue
      const { slots, words } = this.places
      // Making a mask may fail: then nothing has changed.
      const whole = wholeMask(mask(), words)
      const slot = this.freeSlot(wanted)
      this.slots.set(key, slot)
      this.gpu.write(this.masks, (slots + slot * words) * 4, whole)
    }
    return stages.map(({ key }) => this.slots.get(key)!)
  }

  private touch(key: object): void {
    const slot = this.slots.get(key)
    if (slot === undefined) return
    this.slots.delete(key)
    this.slots.set(key, slot)
  }

  /** As many masks fit as there are stages in a batch, so one that it does not want is always there. */
  private freeSlot(wanted: ReadonlySet<object>): number {
    if (this.slots.size < this.places.most.stages) return this.slots.size
    for (const [key, slot] of this.slots) {
      if (wanted.has(key)) continue
      this.slots.delete(key)
      return slot
    }
    throw new Error('a batch has more stages than there are slots')
  }
}
