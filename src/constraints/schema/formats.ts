/** The values of `format` that are regular languages, as their RFCs write them. */
import type { Text } from '../expression.ts'
import { parseRegex } from '../regex.ts'
import { textAll, textEither, textSequence } from '../text.ts'
import { SchemaError } from './error.ts'

/** Named by the standard, and no regular language. */
const REFUSED = ['regex', 'idn-hostname']

const DATE =
  '(?:\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))' +
  '|(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)'
const HOUR = '(?:[01]\\d|2[0-3])'
const TIME = `${HOUR}:[0-5]\\d:[0-5]\\d(?:\\.\\d+)?(?:[Zz]|[+-]${HOUR}:[0-5]\\d)`
const DURATION_TIME = 'T(?:\\d+H(?:\\d+M(?:\\d+S)?)?|\\d+M(?:\\d+S)?|\\d+S)'
const DURATION = `P(?:\\d+W|(?:\\d+Y(?:\\d+M(?:\\d+D)?)?|\\d+M(?:\\d+D)?|\\d+D)(?:${DURATION_TIME})?|${DURATION_TIME})`

const BYTE = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const IPV4 = `${BYTE}(?:\\.${BYTE}){3}`
const H16 = '[0-9a-fA-F]{1,4}'
const LS32 = `(?:${H16}:${H16}|${IPV4})`
const IPV6 = `(?:${[
  `(?:${H16}:){6}${LS32}`,
  `::(?:${H16}:){5}${LS32}`,
  `(?:${H16})?::(?:${H16}:){4}${LS32}`,
  `(?:(?:${H16}:){0,1}${H16})?::(?:${H16}:){3}${LS32}`,
  `(?:(?:${H16}:){0,2}${H16})?::(?:${H16}:){2}${LS32}`,
  `(?:(?:${H16}:){0,3}${H16})?::${H16}:${LS32}`,
  `(?:(?:${H16}:){0,4}${H16})?::${LS32}`,
  `(?:(?:${H16}:){0,5}${H16})?::${H16}`,
  `(?:(?:${H16}:){0,6}${H16})?::`,
].join('|')})`

const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?'
const ATOM = "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]"
/** All characters of other scripts that an IRI may have (RFC 3987). */
const WIDE =
  '\\u{a0}-\\u{d7ff}\\u{f900}-\\u{fdcf}\\u{fdf0}-\\u{ffef}\\u{10000}-\\u{1fffd}\\u{20000}-\\u{2fffd}\\u{30000}-\\u{3fffd}\\u{e1000}-\\u{efffd}'
const PRIVATE = '\\u{e000}-\\u{f8ff}\\u{f0000}-\\u{ffffd}\\u{100000}-\\u{10fffd}'

function email(wide: string): string {
  const atom = ATOM.replace('[', `[${wide}`)
  const label = `[a-zA-Z0-9${wide}](?:[a-zA-Z0-9${wide}-]{0,61}[a-zA-Z0-9${wide}])?`
  const local = `(?:${atom}+(?:\\.${atom}+)*|"(?:[ !#-\\[\\]-~${wide}]|\\\\[ -~])*")`
  return `${local}@(?:${label}(?:\\.${label})+|\\[(?:${IPV4}|IPv6:${IPV6})\\])`
}

/** RFC 3986, and 3987 with characters of other scripts. */
function address(relative: boolean, wide = '', inQuery = ''): string {
  const free = `a-zA-Z0-9._~${wide}`
  const percent = '%[0-9a-fA-F]{2}'
  const sub = "!$&'()*+,;="
  const pchar = `(?:[${free}${sub}:@-]|${percent})`
  const host = `(?:\\[(?:${IPV6}|[vV][0-9a-fA-F]+\\.[a-zA-Z0-9._~${sub}:-]+)\\]|(?:[${free}${sub}-]|${percent})*)`
  const authority = `(?:(?:[${free}${sub}:-]|${percent})*@)?${host}(?::\\d*)?`
  const [segment, first] = [`${pchar}*`, `(?:[${free}${sub}@-]|${percent})+`]
  const behind = `(?:\\?(?:[/?${inQuery}]|${pchar})*)?(?:#(?:[/?]|${pchar})*)?`
  const rooted = `//${authority}(?:/${segment})*|/(?:${pchar}+(?:/${segment})*)?`
  // A scheme alone is an address by the RFC, means nothing, and is refused by common validators where no other form is allowed.
  const absolute = `[a-zA-Z][a-zA-Z0-9+.-]*:(?:${rooted}|${pchar}+(?:/${segment})*)${relative ? '?' : ''}${behind}`
  return relative ? `(?:${absolute}|(?:${rooted}|${first}(?:/${segment})*)?${behind})` : absolute
}

const TEMPLATE_NAME = '(?:[a-zA-Z0-9_]|%[0-9a-fA-F]{2})(?:\\.?(?:[a-zA-Z0-9_]|%[0-9a-fA-F]{2}))*(?::[1-9]\\d{0,3}|\\*)?'
const TEMPLATE = `(?:[!#$&-;=?-\\[\\]_a-z~${WIDE}${PRIVATE}]|%[0-9a-fA-F]{2}|\\{[+#./;?&=,!@|]?${TEMPLATE_NAME}(?:,${TEMPLATE_NAME})*\\})*`
const POINTER = '(?:/(?:[^~/]|~[01])*)*'

const PATTERNS: Readonly<Record<string, string>> = {
  date: DATE,
  duration: DURATION,
  uuid: '[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}',
  ipv4: IPV4,
  ipv6: IPV6,
  email: email(''),
  // Outside of ASCII every character is allowed (RFC 6531).
  'idn-email': email('\\u{80}-\\u{10ffff}'),
  uri: address(false),
  'uri-reference': address(true),
  iri: address(false, WIDE, PRIVATE),
  'iri-reference': address(true, WIDE, PRIVATE),
  'uri-template': TEMPLATE,
  'json-pointer': POINTER,
  'relative-json-pointer': `(?:0|[1-9]\\d*)(?:#|${POINTER})`,
}
const BUILT: Readonly<Record<string, () => Text>> = {
  time: () => textEither(text(TIME), leapSeconds()),
  'date-time': () => textSequence(text(`${DATE}[Tt]`), formatText('time', '#')!),
  hostname: () => textAll(text(`${LABEL}(?:\\.${LABEL})*`), text('.{1,253}')),
}
const known = new Map<string, Text>()

/**
 * The strings of a format, from their first character to their last.
 * @returns undefined for a name that the standard does not have: that is a note
 * @throws SchemaError for those of the standard that no automaton can hold
 */
export function formatText(name: string, path: string): Text | undefined {
  if (REFUSED.includes(name)) throw new SchemaError(path, `the format "${name}" is not supported`)
  const before = known.get(name)
  if (before !== undefined) return before
  const made = Object.hasOwn(BUILT, name)
    ? BUILT[name]!()
    : Object.hasOwn(PATTERNS, name)
      ? text(PATTERNS[name]!)
      : undefined
  if (made !== undefined) known.set(name, made)
  return made
}

function text(pattern: string): Text {
  return parseRegex(pattern, 's')
}

/** A minute has a second 60 only where it is 23:59 in UTC. The minutes of offsets are quarters of an hour, as they are on earth. */
function leapSeconds(): Text {
  const two = (n: number) => String(((n % 24) + 24) % 24).padStart(2, '0')
  const times = ['23:59:60(?:\\.\\d+)?[Zz]']
  for (let hour = 0; hour < 24; hour++) {
    for (const minute of [0, 15, 30, 45]) {
      const offset = `${two(hour)}:${String(minute).padStart(2, '0')}`
      const east = minute === 0 ? `${two(hour - 1)}:59` : `${two(hour)}:${minute - 1}`
      const west = `${two(23 - hour)}:${59 - minute}`
      times.push(`${east}:60(?:\\.\\d+)?\\+${offset}`, `${west}:60(?:\\.\\d+)?-${offset}`)
    }
  }
  return text(times.join('|'))
}
