/** Facts in rows: a name, then what there is to say of it, all in one column. */

/** Columns before what is said: lines that are broken go on under it. */
export const FACTS_INDENT = 17

export function factRow(name: string, value: string, style: (name: string) => string = (plain) => plain): string {
  return `${style(name.padEnd(FACTS_INDENT - 1))} ${value}`
}
