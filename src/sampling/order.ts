/** Selecting and ordering f32 scores without a full sort where it can be avoided. */

const bits = new Uint32Array(1)
const float = new Float32Array(bits.buffer)
/** Indices take the low 21 bits of a double's 53, the order-preserving form of the f32 the upper 32. */
const INDEX_RANGE = 2 ** 21

/**
 * The given indices ordered by `values` ascending; equal values by index ascending. One native sort of doubles, with
 * no comparison callback: the value's bits, made monotone, and the index in one exact integer.
 */
export function ascending(values: Float32Array, indices: ArrayLike<number>): Uint32Array {
  if (values.length > INDEX_RANGE) throw new RangeError(`${values.length} scores, at most ${INDEX_RANGE}`)
  const keys = new Float64Array(indices.length)
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]!
    // Adding 0 turns -0 into 0: the two are equal and must not be ordered.
    float[0] = values[index]! + 0
    const u = bits[0]!
    keys[i] = ((u & 0x80000000) !== 0 ? ~u >>> 0 : (u | 0x80000000) >>> 0) * INDEX_RANGE + index
  }
  keys.sort()
  const order = new Uint32Array(keys.length)
  for (let i = 0; i < keys.length; i++) order[i] = keys[i]! % INDEX_RANGE
  return order
}

/** The k-th largest of the values, duplicates counted; NaN counts as the smallest, as does a missing value. */
export function kthLargest(values: Float32Array, k: number): number {
  if (k > 1024) {
    const sorted = values.map((x) => (Number.isNaN(x) ? -Infinity : x)).sort()
    return k > sorted.length ? -Infinity : sorted[sorted.length - k]!
  }
  // A heap of the k largest so far with the smallest of them on top: most values lose one comparison and are done.
  const heap = new Float32Array(k).fill(-Infinity)
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!
    if (x > heap[0]!) replaceTop(heap, x)
  }
  return heap[0]!
}

function replaceTop(heap: Float32Array, x: number): void {
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++
    if (heap[child]! >= x) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = x
}

/** Index of the largest value, the first among equals; NaN never wins. -1 when there is nothing above -Infinity. */
export function argmax(values: Float32Array): number {
  let best = -1
  let max = -Infinity
  for (let i = 0; i < values.length; i++) {
    if (values[i]! > max) {
      max = values[i]!
      best = i
    }
  }
  return best
}
