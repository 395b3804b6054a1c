/** Texts that this tab has again after a reload. A browser that keeps nothing has them as long as the page. */

export function remembered(key: string): string | null {
  try {
    return sessionStorage.getItem(key)
  } catch {
    return null
  }
}

export function remember(key: string, text: string): void {
  try {
    sessionStorage.setItem(key, text)
  } catch {
    // It is lost with the page.
  }
}
