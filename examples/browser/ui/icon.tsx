/** The icons of the page, drawn by lines. */
const PATHS = {
  wind: 'M3 8h10a3 3 0 1 0-3-3M3 12h15a3 3 0 1 1-3 3M3 16h7a2.5 2.5 0 1 1-2.5 2.5',
  menu: 'M4 7h16M4 12h16M4 17h16',
  sliders: 'M4 7h9m4 0h3M4 17h3m4 0h9M15 5v4M9 15v4',
  send: 'M12 19V5m-6 6 6-6 6 6',
  stop: 'M7 7h10v10H7z',
  plus: 'M12 5v14M5 12h14',
  bin: 'M5 7h14M10 7V5h4v2M7 7l1 12h8l1-12',
  copy: 'M9 9h10v10H9zM5 15V5h10',
  again: 'M20 11a8 8 0 1 0-2.3 6.3M20 5v6h-6',
  on: 'M5 6l7 6-7 6zM13 6l7 6-7 6z',
  pen: 'M4 20l1-4L16 5l3 3L8 19zM14 7l3 3',
  left: 'M14 6l-6 6 6 6',
  right: 'M10 6l6 6-6 6',
  save: 'M12 4v11m-5-5 5 5 5-5M5 20h14',
  open: 'M12 15V4M7 9l5-5 5 5M5 20h14',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="glyph" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  )
}
