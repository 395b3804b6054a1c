/**
 * The words of a curl command that streams a chat completion from the server at `url`, each ready for a shell.
 * @param bearer what stands for the key, quoted as the shell needs it; undefined where none is asked for
 */
export function curlWords(url: string, model: string, bearer: string | undefined): string[] {
  const messages = [{ role: 'user', content: 'What is a mistral?' }]
  const body = JSON.stringify({ model, messages, max_tokens: 100, stream: true })
  return [
    `curl -N ${url}/v1/chat/completions`,
    ...(bearer === undefined ? [] : [`-H ${bearer}`]),
    "-H 'Content-Type: application/json'",
    // Shell quoting: a single quote ends the text, stands escaped, and opens it again.
    `-d '${body.replaceAll("'", "'\\''")}'`,
  ]
}
