/** The page at `/`, which says what runs. */
import { curlWords } from './curl.ts'
import { randomHex } from './ids.ts'
import type { Service } from './service.ts'

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}' +
  'code,pre{font:14px/1.5 ui-monospace,monospace}pre{overflow:auto;padding:.75rem;border:1px solid #8884}' +
  'td{padding-right:1.5rem;vertical-align:top}:root{color-scheme:light dark}'

/** A page without scripts that says what runs here. Its one style is allowed by a nonce; without it the page is plain. */
export function homePage({ config, model }: Service, url: string): Response {
  const nonce = randomHex(16)
  const id = escapeHtml(config.modelId)
  const rows = [
    ['POST /v1/chat/completions', "OpenAI's chat completions"],
    ['POST /v1/responses', "OpenAI's responses"],
    ['POST /v1/messages', "Anthropic's messages"],
    ['POST /api/chat', "Ollama's chat"],
    ['POST /v1/completions', 'continues a text as it stands'],
    ['GET /v1/models', 'the model'],
    ['POST /predict', 'the predict route of Truss'],
    ['GET /health', 'ready or loading'],
    ...(config.metrics ? [['GET /metrics', 'numbers for Prometheus']] : []),
  ]
  const bearer = config.apiKeys.length > 0 ? "'Authorization: Bearer KEY'" : undefined
  const curl = curlWords(new URL(url).origin, config.modelId, bearer).join(' \\\n  ')
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${id} · mistral-webgpu</title>
<style nonce="${nonce}">${STYLE}</style>
<h1>${id}</h1>
<p>A Mistral chat model on WebGPU, served by mistral-webgpu. It is <strong>${model.state}</strong>.</p>
<table>
${rows.map(([route, what]) => `<tr><td><code>${route}</code><td>${what}`).join('\n')}
</table>
<pre>${escapeHtml(curl)}</pre>
</html>
`
  return new Response(html, {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; style-src 'nonce-${nonce}'; base-uri 'none'; frame-ancestors 'none'`,
      'referrer-policy': 'no-referrer',
    },
  })
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
