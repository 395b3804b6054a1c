/** A constraint on what comes after a token, if it comes: on the calls of tools behind free text. */
import type { Constraint } from '../constraints/constraint.ts'
import type { CourseRoom, MaskCourse } from '../constraints/course.ts'

export class WakingConstraint implements Constraint {
  #awake = false

  /** @param inner takes `begin` as its first token */
  constructor(
    private readonly begin: number,
    private readonly inner: Required<
      Pick<Constraint, 'fork' | 'expected' | 'mask' | 'accept' | 'prepare' | 'done' | 'unchanged' | 'course'>
    > &
      Pick<Constraint, 'stage'>,
  ) {}

  get idle(): boolean {
    return !this.#awake
  }

  get done(): boolean {
    return this.inner.done
  }

  get unchanged(): boolean {
    return this.#awake && this.inner.unchanged
  }

  get stage(): object | undefined {
    return this.#awake ? this.inner.stage : undefined
  }

  course(room: CourseRoom): MaskCourse | undefined {
    return this.#awake ? this.inner.course(room) : undefined
  }

  mask(): Uint32Array | null {
    return this.#awake ? this.inner.mask() : null
  }

  accept(tokenId: number): void {
    if (tokenId === this.begin) this.#awake = true
    if (this.#awake) this.inner.accept(tokenId)
  }

  prepare(): void {
    this.inner.prepare()
  }

  fork(): WakingConstraint {
    const fork = new WakingConstraint(this.begin, this.inner.fork() as typeof this.inner)
    fork.#awake = this.#awake
    return fork
  }

  expected(most: number): readonly number[] {
    return this.#awake ? this.inner.expected(most) : []
  }
}
