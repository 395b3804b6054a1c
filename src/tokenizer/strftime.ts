/** Dates as Python writes them. */

const MONTHS = 'January February March April May June July August September October November December'.split(' ')
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')
/** Directives that stand for others, in the C locale. A date without a time zone leaves `%Z` and `%z` out. */
const COMPOSED: Readonly<Record<string, string>> = {
  c: '%a %b %e %H:%M:%S %Y',
  D: '%m/%d/%y',
  F: '%Y-%m-%d',
  h: '%b',
  n: '\n',
  R: '%H:%M',
  t: '\t',
  T: '%H:%M:%S',
  x: '%m/%d/%y',
  X: '%H:%M:%S',
  z: '',
  Z: '',
}

/**
 * `datetime.strftime` in the C locale, local time. A `-` before the letter leaves out what fills up a number, as glibc has
 * it; a directive that nobody knows stays as it is.
 */
export function strftime(date: Date, format: string): string {
  const fields = fieldsOf(date)
  const write = (text: string): string =>
    text.replace(/%(-?)([a-zA-Z%])/g, (directive, bare: string, letter: string) => {
      if (Object.hasOwn(COMPOSED, letter)) return write(COMPOSED[letter] as string)
      if (!Object.hasOwn(fields, letter)) return directive
      const value = fields[letter] as string
      return bare === '' ? value : value.replace(/^[0 ]+(?=.)/, '')
    })
  return write(format)
}

function fieldsOf(date: Date): Readonly<Record<string, string>> {
  const pad = (value: number, width = 2, fill = '0') => String(value).padStart(width, fill)
  const [year, hour, weekday] = [date.getFullYear(), date.getHours(), date.getDay()]
  const month = MONTHS[date.getMonth()] as string
  const day = DAYS[weekday] as string
  const ofYear = dayOfYear(date)
  const iso = isoWeek(date)
  return {
    a: day.slice(0, 3),
    A: day,
    b: month.slice(0, 3),
    B: month,
    C: pad(Math.floor(year / 100)),
    d: pad(date.getDate()),
    e: pad(date.getDate(), 2, ' '),
    f: pad(date.getMilliseconds() * 1000, 6),
    G: pad(iso.year, 4),
    H: pad(hour),
    I: pad(hour % 12 || 12),
    j: pad(ofYear, 3),
    k: pad(hour, 2, ' '),
    l: pad(hour % 12 || 12, 2, ' '),
    m: pad(date.getMonth() + 1),
    M: pad(date.getMinutes()),
    p: hour < 12 ? 'AM' : 'PM',
    S: pad(date.getSeconds()),
    u: String(weekday || 7),
    U: pad(Math.floor((ofYear + 6 - weekday) / 7)),
    V: pad(iso.week),
    w: String(weekday),
    W: pad(Math.floor((ofYear + 6 - ((weekday + 6) % 7)) / 7)),
    y: pad(year % 100),
    Y: String(year),
    '%': '%',
  }
}

/** From 1. Counted in UTC, where every day has 24 hours. */
function dayOfYear(date: Date): number {
  return (
    (Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - Date.UTC(date.getFullYear(), 0, 0)) / 86_400_000
  )
}

/** Weeks of ISO 8601 belong to the year of their Thursday. */
function isoWeek(date: Date): { year: number; week: number } {
  const thursday = new Date(date)
  thursday.setDate(date.getDate() + 4 - (date.getDay() || 7))
  return { year: thursday.getFullYear(), week: Math.ceil(dayOfYear(thursday) / 7) }
}
