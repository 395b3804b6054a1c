/** Masks of constraints as the sampler takes them. */
import type { CourseRoom, MaskCourse } from '../constraints/course.ts'
import type { Gpu } from '../gpu/device.ts'
import { maskPlaces, type SamplerBuffers } from '../kernels/sampler.ts'
import type { Batch, Row } from './batch.ts'
import { CourseWriter } from './course-writer.ts'
import { wholeMask } from './whole-mask.ts'

/** Where the steps of an output ended, and the course that they went along. */
interface End {
  readonly sequence: number
  readonly position: number
  readonly course: MaskCourse
}

/** Writes the masks of batches to the GPU. */
export class MaskWriter {
  private readonly gpu: Gpu
  private readonly buffers: SamplerBuffers
  private readonly places: ReturnType<typeof maskPlaces>
  /** Some outputs have second masks. */
  private hasLater = false
  private courses: CourseWriter | undefined
  /** What goes on where the latest batch ended, in the order of its outputs; undefined where something else than a course has to be written. */
  private ends: readonly End[] | undefined

  constructor({ gpu, workspace }: { readonly gpu: Gpu; readonly workspace: { readonly sampler: SamplerBuffers } }) {
    this.gpu = gpu
    this.buffers = workspace.sampler
    this.places = maskPlaces(this.buffers)
  }

  /** Whether the outputs go on along the courses that the GPU follows already, so that nothing is to be written. */
  goesOn({ needs, rows, steps }: Pick<Batch, 'needs' | 'rows' | 'steps'>): boolean {
    const { ends } = this
    if (ends?.length !== rows.length) return false
    const isNext = ({ sequence, position, course }: End, i: number) =>
      rows[i]!.sequence === sequence && rows[i]!.position === position && needs[i]!.goesOn?.course === course
    if (!ends.every(isNext)) return false
    for (const { goesOn } of needs) goesOn?.taken()
    this.ends = ends.map((end) => ({ ...end, position: end.position + steps }))
    return true
  }

  /** Those of the outputs that have one, before the sampler is submitted. */
  write({ needs, rows, steps }: Pick<Batch, 'needs' | 'rows' | 'steps'>): void {
    const { masks } = this.buffers
    const { words, later, since } = this.places
    const starts = new Uint32Array(needs.length)
    this.ends = undefined
    const courses = this.writeCourses({ needs, rows, steps })
    const isAlong = courses?.length === rows.length && courses.every((course) => course !== undefined)
    const endOf = ({ sequence, position }: Row, i: number) => ({
      sequence,
      position: position + steps,
      course: courses![i]!,
    })
    if (isAlong) this.ends = rows.map(endOf)
    for (const [i, need] of needs.entries()) {
      if (need.mask === undefined || courses?.[i] !== undefined) continue
      const given = need.mask()
      this.gpu.write(masks, i * words * 4, wholeMask(given, words))
      if (need.later === undefined) continue
      this.gpu.write(masks, (later + i * words) * 4, wholeMask(need.later(), words))
      // Batches that have such masks have an output in every row.
      starts[i] = rows[i]!.position + 1
    }
    const has = starts.some((start) => start > 0)
    if (has || this.hasLater) this.gpu.write(masks, since * 4, has ? starts : new Uint32Array(later / words))
    this.hasLater = has
  }

  /** Returns the courses of the outputs that have one; undefined where none has. */
  private writeCourses({
    needs,
    rows,
    steps,
  }: Pick<Batch, 'needs' | 'rows' | 'steps'>): (MaskCourse | undefined)[] | undefined {
    const { places } = this
    const count = needs.filter((need) => need.course !== undefined).length
    const share = (all: number) => Math.floor(all / count)
    const room: CourseRoom = { steps, stages: share(places.most.stages), moves: share(places.most.moves) }
    const given = count === 0 ? [] : needs.map((need) => (room.stages > 1 ? need.course?.(room) : undefined))
    if (given.every((course) => course === undefined)) {
      this.courses?.end()
      return undefined
    }
    this.courses ??= new CourseWriter(this.gpu, this.buffers.masks, places)
    this.courses.write(given, rows)
    return given
  }
}
