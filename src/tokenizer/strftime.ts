const MONTHS = 'January February March April May June July August September October November December'.split(' ')
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')

/** Python's `strftime` in the C locale, local time; a directive that chat templates do not use stays as it is. */
export function strftime(date: Date, format: string): string {
  const pad = (value: number, width = 2) => String(value).padStart(width, '0')
  const month = MONTHS[date.getMonth()] as string
  const day = DAYS[date.getDay()] as string
  const fields: Record<string, () => string> = {
    Y: () => pad(date.getFullYear(), 4),
    y: () => pad(date.getFullYear() % 100),
    m: () => pad(date.getMonth() + 1),
    B: () => month,
    b: () => month.slice(0, 3),
    d: () => pad(date.getDate()),
    e: () => String(date.getDate()).padStart(2, ' '),
    A: () => day,
    a: () => day.slice(0, 3),
    H: () => pad(date.getHours()),
    I: () => pad(date.getHours() % 12 || 12),
    p: () => (date.getHours() < 12 ? 'AM' : 'PM'),
    M: () => pad(date.getMinutes()),
    S: () => pad(date.getSeconds()),
    '%': () => '%',
  }
  return format.replace(/%([a-zA-Z%])/g, (directive, letter: string) => fields[letter]?.() ?? directive)
}
