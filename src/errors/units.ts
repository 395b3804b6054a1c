/** `1.5 GiB`: binary units, one decimal where it says something. */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = count
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  const text = value.toFixed(1).replace(/\.0$/, '')
  return text === '1024' && unit < units.length - 1 ? `1 ${units[unit + 1]}` : `${text} ${units[unit]}`
}
