/**
 * Checks the rules of src/README.md on a tree of files: imports point down only, folders of one row do not know each
 * other, no cycles, and a runtime's globals are named in `platform/` only.
 */
import { isBuiltin } from 'node:module'
import { posix } from 'node:path'
import ts from 'typescript'
import { findCycles } from './cycles.ts'
import { forbiddenGlobals } from './runtime-globals.ts'

export interface Violation {
  readonly file: string
  readonly line: number
  readonly rule: 'layer' | 'cycle' | 'global' | 'import'
  readonly message: string
}

/** From the bottom up. Folders of one row may not import each other. */
const ROWS: readonly (readonly string[])[] = [
  ['errors', 'json', 'closest-name'],
  ['async', 'checks'],
  ['platform'],
  ['gpu', 'formats'],
  ['kernels', 'tokenizer', 'sampling', 'constraints'],
  ['model'],
  ['generate'],
  ['chat'],
  // The root API stands below the server and the command line, so that neither gets into a bundle of it.
  ['index'],
  ['server', 'prompt-api', 'ai-sdk', 'worker'],
  ['cli'],
]

/** The runtimes' twins: everybody else says `#platform` and gets the right one. */
const TWINS = ['platform/browser.ts', 'platform/deno.ts', 'platform/node.ts']
const TERMINAL = 'platform/terminal.ts'
/** What the import map of package.json has, and where it leads. */
const MAPPED: Readonly<Record<string, string>> = {
  '#platform': 'platform/types.ts',
  '#worker': 'platform/worker-types.ts',
  '#pocket': 'formats/pocket-folder.ts',
}
/** The one file whose import is computed, so that bundlers do not follow it. */
const UNFOLLOWED = 'platform/unfollowed.ts'
const RUNTIME_PACKAGES = ['webgpu']

interface ImportSite {
  readonly specifier: string
  readonly line: number
  /** Erased by the compiler: it counts for layers and not for cycles. */
  readonly typeOnly: boolean
}

/**
 * @param files TypeScript sources by their path inside `src/`, for example `gpu/device.ts`
 * @returns what breaks a rule, in the order of the files
 */
export function checkLayers(files: ReadonlyMap<string, string>): Violation[] {
  const violations: Violation[] = []
  const runtimeEdges = new Map<string, string[]>()
  for (const [file, text] of files) {
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true)
    if (rowOf(file) === undefined) {
      violations.push({ file, line: 1, rule: 'layer', message: `${folderOf(file)} is no layer of src/README.md` })
    }
    const targets: string[] = []
    for (const site of importsOf(source)) {
      const target = resolve(file, site.specifier)
      const message = objection(file, site.specifier, target, files)
      if (message) violations.push({ file, line: site.line, ...message })
      if (target !== undefined && files.has(target) && !site.typeOnly) targets.push(target)
    }
    runtimeEdges.set(file, targets)
  }
  for (const cycle of findCycles(runtimeEdges)) {
    violations.push({ file: cycle[0]!, line: 1, rule: 'cycle', message: [...cycle, cycle[0]].join(' → ') })
  }
  for (const found of forbiddenGlobals(files, (file) => folderOf(file) === 'platform')) {
    violations.push({ file: found.file, line: found.line, rule: 'global', message: `names ${found.name}` })
  }
  return violations
}

function objection(
  file: string,
  specifier: string,
  target: string | undefined,
  files: ReadonlyMap<string, string>,
): Pick<Violation, 'rule' | 'message'> | undefined {
  const from = folderOf(file)
  if (target === undefined) {
    if (from === 'platform' || !isRuntimeModule(specifier)) return undefined
    return { rule: 'global', message: `imports ${specifier}` }
  }
  if (target.startsWith('../')) {
    // The version number is the only fact that a source file may take from outside.
    return target === '../package.json' ? undefined : { rule: 'import', message: `${specifier} leaves src/` }
  }
  const mapped = MAPPED[target]
  if (mapped === undefined && !files.has(target)) return { rule: 'import', message: `${specifier} does not exist` }
  const to = folderOf(mapped ?? target)
  if (from !== to) {
    const [fromRow, toRow] = [rowOf(file), rowOf(mapped ?? target)]
    if (fromRow !== undefined && toRow !== undefined && toRow >= fromRow) {
      const how = toRow === fromRow ? 'its own row' : 'a layer above'
      return { rule: 'layer', message: `${from} imports ${specifier} from ${how}` }
    }
    if (TWINS.includes(target)) return { rule: 'layer', message: `imports ${specifier}; say #platform` }
    if (target === TERMINAL && from !== 'cli') return { rule: 'layer', message: `only cli imports ${specifier}` }
  }
  return undefined
}

function isRuntimeModule(specifier: string): boolean {
  return (
    isBuiltin(specifier) || RUNTIME_PACKAGES.includes(specifier) || /^(node|bun|deno|jsr|npm|https?):/.test(specifier)
  )
}

/** The path inside `src/`, a name of the import map, or undefined for a package. */
function resolve(file: string, specifier: string): string | undefined {
  if (specifier.startsWith('#'))
    return MAPPED[specifier] !== undefined ? specifier : `${specifier} (unknown import map entry)`
  return specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : undefined
}

function folderOf(file: string): string {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : file.replace(/\.ts$/, '')
}

function rowOf(file: string): number | undefined {
  const row = ROWS.findIndex((folders) => folders.includes(folderOf(file)))
  return row < 0 ? undefined : row
}

function importsOf(source: ts.SourceFile): ImportSite[] {
  const sites: ImportSite[] = []
  const add = (at: ts.Node | undefined, typeOnly: boolean): void => {
    if (!at) return
    const line = source.getLineAndCharacterOfPosition(at.getStart(source)).line + 1
    if (source.fileName === UNFOLLOWED && !ts.isStringLiteralLike(at)) return
    // A computed specifier cannot be followed; it stands for a package that does not exist, and is reported as such.
    const specifier = ts.isStringLiteralLike(at) ? at.text : './(computed)'
    sites.push({ specifier, line, typeOnly })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.isTypeOnly === true)
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true)
    else if (ts.isExternalModuleReference(node)) add(node.expression, false)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return sites
}
