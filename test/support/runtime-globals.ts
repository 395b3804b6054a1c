/**
 * Finds the names of one runtime's globals. The compiler's own binder decides whether a name is a global: a parameter
 * called `document` or a property called `process` is none.
 */
import ts from 'typescript'

/**
 * What some runtime that we support lacks. `fetch`, `performance`, `Blob`, `crypto` and their like are everywhere. Pages whose
 * policy is `script-src 'self'` have no WebAssembly.
 */
const FORBIDDEN = new Set(
  `navigator window self document location history screen alert localStorage sessionStorage indexedDB caches
  XMLHttpRequest Worker SharedWorker importScripts OffscreenCanvas requestAnimationFrame cancelAnimationFrame
  requestIdleCallback isSecureContext process Buffer NodeJS global require module exports __dirname __filename setImmediate
  clearImmediate Deno Bun WebAssembly`.split(/\s+/),
)
/** Node's Dawn binding and Node itself do not define these as values; as types they cost nothing. */
const VALUE_ONLY = /^(GPU([A-Z]|$)|HTML[A-Z]|FileSystem[A-Z])/
const GLOBAL_OBJECTS = new Set(['globalThis', 'self', 'window', 'global'])
const META = new Set(['dirname', 'filename', 'main', 'env', 'resolve'])

export interface GlobalSite {
  readonly file: string
  readonly line: number
  readonly name: string
}

/** @param allowed files in which every global may be named */
export function forbiddenGlobals(files: ReadonlyMap<string, string>, allowed: (file: string) => boolean): GlobalSite[] {
  const program = programOf(files)
  const checker = program.getTypeChecker()
  const found: GlobalSite[] = []
  for (const file of files.keys()) {
    const source = program.getSourceFile(`/${file}`)
    if (!source || allowed(file)) continue
    const report = (node: ts.Node, name: string): void => {
      found.push({ file, line: source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1, name })
    }
    for (const reference of source.typeReferenceDirectives) {
      found.push({ file, line: 1, name: `/// <reference types="${reference.fileName}" />` })
    }
    const visit = (node: ts.Node): void => {
      const name = globalNamed(node, checker)
      if (name !== undefined) report(node, name)
      ts.forEachChild(node, visit)
    }
    visit(source)
  }
  return found
}

function globalNamed(node: ts.Node, checker: ts.TypeChecker): string | undefined {
  if (ts.isIdentifier(node)) return freeIdentifier(node, checker)
  if (ts.isMetaProperty(node.parent ?? node)) return undefined
  if (ts.isPropertyAccessExpression(node)) {
    if (ts.isMetaProperty(node.expression))
      return META.has(node.name.text) ? `import.meta.${node.name.text}` : undefined
    return ofGlobalObject(node.expression, node.name.text)
  }
  if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression)) {
    return ofGlobalObject(node.expression, node.argumentExpression.text)
  }
  if (ts.isBindingElement(node) && ts.isVariableDeclaration(node.parent.parent)) {
    const key = node.propertyName ?? node.name
    const from = node.parent.parent.initializer
    return from && ts.isIdentifier(key) ? ofGlobalObject(from, key.text) : undefined
  }
  return undefined
}

function freeIdentifier(node: ts.Identifier, checker: ts.TypeChecker): string | undefined {
  const name = node.text
  const valueOnly = VALUE_ONLY.test(name)
  if ((!valueOnly && !FORBIDDEN.has(name)) || !isReference(node)) return undefined
  if (valueOnly && ts.isPartOfTypeNode(node)) return undefined
  const shorthand = ts.isShorthandPropertyAssignment(node.parent)
  const symbol = shorthand ? checker.getShorthandAssignmentValueSymbol(node.parent) : checker.getSymbolAtLocation(node)
  const declarations = symbol?.declarations ?? []
  // `declare const Deno: …` declares nothing that exists: what it names is still the global.
  return declarations.some((declaration) => !isAmbient(declaration)) ? undefined : name
}

/** The identifier stands for a variable, and is not the name of a property, of a label or of something declared. */
function isReference(node: ts.Identifier): boolean {
  const parent = node.parent
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node
  if (ts.isQualifiedName(parent)) return parent.left === node
  if (ts.isBindingElement(parent)) return parent.initializer === node
  if (ts.isShorthandPropertyAssignment(parent)) return true
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent) || ts.isMetaProperty(parent)) return false
  if (ts.isLabeledStatement(parent) || ts.isBreakOrContinueStatement(parent)) return false
  return !('name' in parent && parent.name === node)
}

function isAmbient(declaration: ts.Declaration): boolean {
  return (ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Ambient) !== 0
}

function ofGlobalObject(object: ts.Expression, name: string): string | undefined {
  let inner = object
  while (
    ts.isParenthesizedExpression(inner) ||
    ts.isAsExpression(inner) ||
    ts.isNonNullExpression(inner) ||
    ts.isSatisfiesExpression(inner)
  ) {
    inner = inner.expression
  }
  if (!ts.isIdentifier(inner) || !GLOBAL_OBJECTS.has(inner.text)) return undefined
  return FORBIDDEN.has(name) || VALUE_ONLY.test(name) ? `${inner.text}.${name}` : undefined
}

/** Without libraries and without following imports: whatever a file does not declare itself stays unresolved. */
function programOf(files: ReadonlyMap<string, string>): ts.Program {
  const options: ts.CompilerOptions = {
    noLib: true,
    noResolve: true,
    types: [],
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.ESNext,
    moduleDetection: ts.ModuleDetectionKind.Force,
  }
  const read = (path: string): string | undefined => files.get(path.slice(1))
  const host: ts.CompilerHost = {
    fileExists: (path) => read(path) !== undefined,
    readFile: read,
    getSourceFile(path, languageVersion) {
      const text = read(path)
      return text === undefined ? undefined : ts.createSourceFile(path, text, languageVersion, true)
    },
    getDefaultLibFileName: () => '/lib.d.ts',
    getCurrentDirectory: () => '/',
    getCanonicalFileName: (path) => path,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => '\n',
    writeFile: () => undefined,
  }
  return ts.createProgram(
    [...files.keys()].map((file) => `/${file}`),
    options,
    host,
  )
}
