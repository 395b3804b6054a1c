/** The language of the browser, which may be one that does not exist. */

/**
 * Chromium names the system's language `en-US@posix` where that has none (`LANG=C`), and what formats a number for
 * `navigator.language` throws then, as the charts' library does when it is loaded.
 */
export function ensureLanguage(): void {
  try {
    new Intl.NumberFormat(navigator.language)
  } catch {
    Object.defineProperty(navigator, 'language', { value: 'en-US', configurable: true })
  }
}
