/** Masks of constraints as the sampler takes them. */
import type { CourseRoom, MaskCourse } from '../constraints/course.ts'
import type { Gpu } from '../gpu/device.ts'
import { maskPlaces, type SamplerBuffers } from '../kernels/sampler.ts'
import type { Batch } from './batch.ts'
import { CourseWriter } from './course-writer.ts'
import { wholeMask } from './whole-mask.ts'

/** Writes the masks of batches to the GPU. */
export class MaskWriter {
  private readonly gpu: Gpu
  private readonly buffers: SamplerBuffers
  private readonly places: ReturnType<typeof maskPlaces>
  /** Some outputs have second masks. */
  private hasLater = false
  private courses: CourseWriter | undefined

  constructor({ gpu, workspace }: { readonly gpu: Gpu; readonly workspace: { readonly sampler: SamplerBuffers } }) {
    this.gpu = gpu
    this.buffers = workspace.sampler
    this.places = maskPlaces(this.buffers)
  }

  /** Those of the outputs that have one, before the sampler is submitted. */
  write({ needs, rows, steps }: Pick<Batch, 'needs' | 'rows' | 'steps'>): void {
    const { masks } = this.buffers
    const { words, later, since } = this.places
    const starts = new Uint32Array(needs.length)
    const courses = this.writeCourses({ needs, rows, steps })
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
