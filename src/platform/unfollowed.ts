/** An import that bundlers leave alone. */

/**
 * Imports a module that the runtime finds by itself, without its getting into anybody's bundle. In a bundle the name leads
 * nowhere, and this throws what the runtime says then.
 */
export async function importUnfollowed(specifier: string): Promise<unknown> {
  // A name in a variable is left alone by all bundlers; the comments keep them from warning about it.
  return import(/* @vite-ignore */ /* webpackIgnore: true */ /* turbopackIgnore: true */ specifier)
}
