/** Reads added tokens and roles from the JSON files beside a vocabulary, as transformers 5 reads them. */
import { TokenizerError } from '../errors.ts'
import { type AddedTokenFlags, NO_FLAGS } from './added-tokens.ts'
import { array, boolean, type Json, object, show, string, tokenId } from './json-fields.ts'
import { MAX_TOKENS } from './vocabulary.ts'

/** The parsed files that may lie beside a vocabulary. */
export interface FolderFiles {
  /** `tokenizer_config.json` */
  readonly config?: unknown
  /** `special_tokens_map.json`; counts only where the config has no `added_tokens_decoder`. */
  readonly specialTokensMap?: unknown
  /** `added_tokens.json`, a table of ids by name; counts only where the config has no `added_tokens_decoder`. */
  readonly addedTokens?: unknown
}

/** An added token as a file lists it. */
export interface ListedToken extends AddedTokenFlags {
  readonly id: number
  readonly content: string
  readonly special: boolean
}

/** A vocabulary before the files beside it were asked. */
export interface BareVocabulary {
  /** The name of its file, for messages. */
  readonly file: string
  /** By id. A gap in the numbering is undefined. */
  readonly tokens: readonly (string | undefined)[]
  /** The added tokens that the vocabulary's own file lists; their names are among `tokens`. */
  readonly added: readonly ListedToken[]
  /** Whether a listed token may take the place of another one: SentencePiece files hold placeholders. */
  readonly mayRename: boolean
}

/** A vocabulary with what the files beside it add. */
export interface FolderVocabulary {
  readonly tokens: readonly (string | undefined)[]
  readonly added: ReadonlyMap<number, ListedToken>
  /** Ids of roles. Null where a file says that there is none, undefined where no file says anything. */
  readonly roles: Readonly<Record<Role, number | null | undefined>>
  /** Padding, and ids that only a role other than BOS and EOS names: the model need not have rows for them. */
  readonly spareIds: readonly number[]
  /** `tokenizer_config.json`, with what `special_tokens_map.json` puts over it. */
  readonly settings: Json
}

export const ROLES = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'] as const
export type Role = (typeof ROLES)[number]

const CONFIG = 'tokenizer_config.json'
const MAP = 'special_tokens_map.json'

/**
 * @throws TokenizerError naming file and field, for entries of a wrong type, for an id that two tokens claim, and for a BOS
 *   or EOS that is no token
 */
export function withFolder(bare: BareVocabulary, files: FolderFiles): FolderVocabulary {
  const config = files.config === undefined ? {} : object(files.config, '', CONFIG)
  const isListed = config.added_tokens_decoder !== undefined && config.added_tokens_decoder !== null
  const map = isListed || files.specialTokensMap === undefined ? {} : object(files.specialTokensMap, '', MAP)
  const table = new TokenTable(bare)
  const listed = isListed ? decoderTokens(config.added_tokens_decoder) : []
  for (const token of listed) table.list(token, `${CONFIG}: added_tokens_decoder[${token.id}]`)
  const named = namedTokens(config, map)
  if (!isListed) {
    for (const token of addedTokens(files.addedTokens, specialNames(named))) {
      table.list(token, `added_tokens.json: ${show(token.content)}`, { keepFlags: true })
    }
  }
  const spareIds = nameTokens(table, named)
  return {
    tokens: table.tokens,
    added: table.added,
    roles: rolesOf(table, config, map),
    spareIds,
    settings: { ...config, ...map },
  }
}

/** The names and ids of a vocabulary while files add to it. */
class TokenTable {
  readonly tokens: (string | undefined)[]
  readonly added = new Map<number, ListedToken>()
  readonly #bare: BareVocabulary
  readonly #ids = new Map<string, number>()

  constructor(bare: BareVocabulary) {
    this.#bare = bare
    this.tokens = [...bare.tokens]
    for (const [id, token] of bare.tokens.entries()) {
      if (token !== undefined && !this.#ids.has(token)) this.#ids.set(token, id)
    }
    for (const token of bare.added) this.added.set(token.id, token)
  }

  idOf(content: string): number | undefined {
    return this.#ids.get(content)
  }

  /** Adds a token under the id that a file gives it, or under the one that its name has already. */
  list(token: ListedToken, where: string, { keepFlags = false } = {}): void {
    const id = this.idOf(token.content) ?? token.id
    const other = this.tokens[id]
    if (other !== undefined && other !== token.content) {
      const isListed = this.added.has(id)
      if (!this.#bare.mayRename || isListed) {
        throw new TokenizerError(
          `${where} (${show(token.content)}) has the id ${id}, which is that of ${show(other)} in ${this.#bare.file}`,
        )
      }
      this.#ids.delete(other)
    }
    if (keepFlags && this.added.has(id)) return
    this.#put({ ...token, id })
  }

  /** Makes a name an added token: under its own id, or else under the next one that is free. */
  name(content: string, flags: AddedTokenFlags): number {
    const known = this.idOf(content)
    const id = known ?? this.tokens.length
    const listed = this.added.get(id)
    this.#put(listed === undefined ? { ...flags, id, content, special: true } : { ...listed, special: true })
    return id
  }

  #put(token: ListedToken): void {
    if (token.id >= MAX_TOKENS) throw new TokenizerError(`more than ${MAX_TOKENS} tokens`)
    while (this.tokens.length < token.id) this.tokens.push(undefined)
    this.tokens[token.id] = token.content
    this.#ids.set(token.content, token.id)
    this.added.set(token.id, token)
  }
}

/** A token that a file names without an id: one with a role, or one of a list of special tokens. */
interface NamedToken extends AddedTokenFlags {
  readonly content: string
  /** `bos_token` and the like; undefined for those of a list. */
  readonly field: string | undefined
  /** The list that names it, if one does. */
  readonly list: string | undefined
  readonly file: string
}

/** Roles come before lists, the usual roles before others, as in transformers; that decides over new ids. */
function namedTokens(config: Json, map: Json): NamedToken[] {
  const settings = { ...config, ...map }
  const fileOf = (field: string) => (Object.hasOwn(map, field) ? MAP : CONFIG)
  const usual = ROLES.map((role) => `${role}_token`)
  const others = Object.keys(settings).filter((key) => /_token$/.test(key) && !usual.includes(key))
  const named: NamedToken[] = []
  for (const field of usual) {
    const value = settings[field]
    if (value !== undefined && value !== null) named.push({ ...namedToken(value, field, fileOf(field)), field })
  }
  for (const field of others) {
    const value = settings[field]
    const isToken = typeof value === 'string' || (typeof value === 'object' && value !== null && 'content' in value)
    if (isToken && value !== '') named.push({ ...namedToken(value, field, fileOf(field)), field })
  }
  for (const field of ['additional_special_tokens', 'extra_special_tokens']) {
    for (const [source, file] of [
      [config, CONFIG],
      [map, MAP],
    ] as const) {
      const value = source[field] ?? []
      const list = Array.isArray(value) ? value : Object.values(object(value, field, file))
      for (const [i, entry] of array(list, field, MAX_TOKENS, file).entries()) {
        named.push({ ...namedToken(entry, `${field}[${i}]`, file), list: field })
      }
    }
  }
  return named
}

function namedToken(value: unknown, at: string, file: string): NamedToken {
  const token =
    typeof value === 'object' && value !== null
      ? tokenOf({ ...value, special: true }, 0, at, file)
      : { ...NO_FLAGS, content: string(value, at, file) }
  return { ...token, field: undefined, list: undefined, file }
}

/**
 * Makes the named tokens added ones.
 * @returns the ids of padding, and of those that were no tokens and that only a role names
 */
function nameTokens(table: TokenTable, named: readonly NamedToken[]): number[] {
  const lists = new Set(named.filter(({ field }) => field === undefined).map(({ content }) => content))
  const roles = new Set(named.filter(({ field }) => field !== 'pad_token').map(({ content }) => content))
  const spare: number[] = []
  for (const { content, field, list, file, ...flags } of named) {
    if (content === '') continue
    const isNew = table.idOf(content) === undefined
    if (isNew && (field === 'bos_token' || field === 'eos_token') && !lists.has(content)) {
      throw new TokenizerError(`${file}: ${field} is ${show(content)}, which is no token of the vocabulary`)
    }
    const id = table.name(content, flags)
    if ((isNew && !lists.has(content)) || (field === 'pad_token' && !roles.has(content))) spare.push(id)
  }
  return spare
}

function rolesOf(table: TokenTable, config: Json, map: Json): Record<Role, number | null | undefined> {
  const settings = { ...config, ...map }
  const ids = ROLES.map((role) => {
    const value = settings[`${role}_token`]
    if (value === undefined || value === null || value === '') return [role, value === undefined ? undefined : null]
    const content = typeof value === 'object' ? (value as Json).content : value
    return [role, table.idOf(content as string)]
  })
  return Object.fromEntries(ids) as Record<Role, number | null | undefined>
}

/** The tokens of `added_tokens_decoder`, whose keys are ids, in the order of those. */
function decoderTokens(value: unknown): ListedToken[] {
  const entries = Object.entries(object(value, 'added_tokens_decoder', CONFIG))
  const tokens = entries.map(([key, entry]) => {
    const field = `added_tokens_decoder[${show(key)}]`
    return tokenOf(
      entry,
      tokenId(Number(key), () => field, CONFIG),
      field,
      CONFIG,
    )
  })
  return tokens.sort((a, b) => a.id - b.id)
}

/** The names that are special in `added_tokens.json`. Transformers does not ask every list that it knows. */
function specialNames(named: readonly NamedToken[]): Set<string> {
  const usual = ROLES.map((role) => `${role}_token`)
  const counts = ({ field, list, file }: NamedToken) =>
    field === undefined ? file === CONFIG || list === 'extra_special_tokens' : usual.includes(field)
  return new Set(named.filter(counts).map(({ content }) => content))
}

/** The tokens of `added_tokens.json`; special ones are not normalized. */
function addedTokens(value: unknown, special: ReadonlySet<string>): ListedToken[] {
  const file = 'added_tokens.json'
  const entries = Object.entries(value === undefined ? {} : object(value, '', file))
  const tokens = entries.map(([content, key]) => {
    const id = tokenId(key, () => show(content), file)
    const isSpecial = special.has(content)
    return { id, content, special: isSpecial, lstrip: false, rstrip: false, singleWord: false, normalized: !isSpecial }
  })
  return tokens.filter(({ content }) => content !== '').sort((a, b) => a.id - b.id)
}

/**
 * An added token as `tokenizer.json` and `tokenizer_config.json` write it.
 * @throws TokenizerError when a field has the wrong type or the token is empty
 */
export function tokenOf(value: unknown, id: number, field: string, file: string): ListedToken {
  const token = object(value, field, file)
  const content = string(token.content, `${field}.content`, file)
  if (content === '') throw new TokenizerError(`${file}: ${field}.content is empty`)
  const flag = (name: string) => boolean(token[name], `${field}.${name}`, file)
  const special = flag('special')
  return {
    id,
    content,
    special,
    lstrip: flag('lstrip'),
    rstrip: flag('rstrip'),
    singleWord: flag('single_word'),
    normalized: token.normalized === undefined ? !special : flag('normalized'),
  }
}
