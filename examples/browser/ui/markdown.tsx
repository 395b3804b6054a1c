/** Markdown as it comes: half a table or an open code block is shown as far as it goes. */
import DOMPurify from 'dompurify'
import { Marked } from 'marked'
import { useEffect, useMemo, useRef } from 'preact/hooks'

const marked = new Marked({ gfm: true, breaks: true })

/** What a model writes is a stranger's text: it may format, and nothing else. */
const ALLOWED = {
  ALLOWED_TAGS:
    'p br strong em del code pre blockquote ul ol li h1 h2 h3 h4 h5 h6 table thead tbody tr th td hr a sup sub'.split(
      ' ',
    ),
  ALLOWED_ATTR: ['href', 'align', 'start'],
  ALLOWED_URI_REGEXP: /^(https?:|mailto:)/i,
}

export function Markdown({ text }: { text: string }) {
  const html = useMemo(() => DOMPurify.sanitize(marked.parse(text, { async: false }), ALLOWED), [text])
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (box.current !== null) dress(box.current)
  }, [html])
  // DOMPurify has gone through it.
  return <div class="markdown" ref={box} dangerouslySetInnerHTML={{ __html: html }} />
}

/** Gives code its button, tables room to scroll, and links a window of their own. */
function dress(box: HTMLElement): void {
  for (const block of box.querySelectorAll('pre')) {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'copy'
    button.textContent = 'Copy'
    button.addEventListener('click', () => {
      void navigator.clipboard.writeText(block.querySelector('code')?.textContent ?? '')
      button.textContent = 'Copied'
    })
    block.tabIndex = 0
    block.append(button)
  }
  for (const link of box.querySelectorAll('a')) {
    link.target = '_blank'
    link.rel = 'noopener noreferrer'
  }
}
