#!/bin/sh
# Every route, with curl. Start a server first: npx -p mistral-webgpu -p webgpu mistral-webgpu serve
set -eu
url="${MISTRAL_WEBGPU_URL:-http://127.0.0.1:8080}"
key="${MISTRAL_WEBGPU_API_KEY:-none}"

call() {
  path="$1"
  shift
  printf '\n== %s\n' "$path"
  curl --fail-with-body --silent --show-error --no-buffer "$url$path" -H "Authorization: Bearer $key" "$@"
  printf '\n'
}

post() {
  path="$1"
  body="$2"
  shift 2
  call "$path" -H 'Content-Type: application/json' -d "$body" "$@"
}

call /health
call /v1/models

post /v1/chat/completions '{
  "model": "mistral",
  "messages": [{"role": "user", "content": "What is a mistral?"}],
  "max_tokens": 20, "temperature": 0
}'

# Streamed as server-sent events; -N (--no-buffer) shows each as it comes.
post /v1/chat/completions '{
  "model": "mistral",
  "messages": [{"role": "user", "content": "What is a mistral?"}],
  "max_tokens": 20, "temperature": 0.5, "top_p": 0.95, "seed": 7,
  "stream": true, "stream_options": {"include_usage": true}
}'

post /v1/completions '{"model": "mistral", "prompt": "The mistral is", "max_tokens": 12, "temperature": 0, "echo": true}'

# The predict route: a bare JSON string, or raw text as it comes. max_tokens counts the prompt there.
post /predict '{"messages": [{"role": "user", "content": "What is a mistral?"}], "max_new_tokens": 20, "do_sample": false}'
post /predict '{"messages": [{"role": "user", "content": "What is a mistral?"}], "max_new_tokens": 20, "stream": true}'

call /metrics
