/** The service worker's own errors, in the form that clients of OpenAI's API read. */

/** @param code for programs */
export function refusal(status: number, code: string, message: string): Response {
  const error = { message, type: 'server_error', param: null, code }
  return Response.json({ error }, { status, headers: { 'cache-control': 'no-store' } })
}
