/** The errors inside a template, before they become a `ChatTemplateError`. */

/** The template does not parse, or uses what is not supported. */
export class TemplateSyntaxError extends Error {
  override name = 'TemplateSyntaxError'

  constructor(
    fact: string,
    readonly line: number,
  ) {
    super(`${fact} (line ${line})`)
  }
}

/** An error of Python or of jinja2 while a template runs, by its name there. */
export class PythonError extends Error {
  constructor(
    override readonly name: string,
    message: string,
  ) {
    super(message)
  }
}

export const typeError = (message: string) => new PythonError('TypeError', message)
export const valueError = (message: string) => new PythonError('ValueError', message)
/** The error for a limit of this engine, so that a template can neither fill the memory nor run without end. */
export const limitError = (message: string) => new PythonError('LimitError', message)
