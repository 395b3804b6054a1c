/** Lists of requests. */

/** Takes an item out of a list, where it is in it. */
export function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item)
  if (at >= 0) list.splice(at, 1)
}
