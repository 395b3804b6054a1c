"""OpenAI's Python client: `pip install openai`, start a server, run this file.

    npx -p mistral-webgpu -p webgpu mistral-webgpu serve
"""

import os

from openai import OpenAI

client = OpenAI(
    api_key=os.environ.get("MISTRAL_WEBGPU_API_KEY", "none"),
    base_url=os.environ.get("MISTRAL_WEBGPU_URL", "http://127.0.0.1:8080") + "/v1",
)
messages = [
    {"role": "user", "content": "What is a mistral?"},
    {"role": "assistant", "content": "A mistral is a type of cold, dry wind."},
    {"role": "user", "content": "How does the mistral wind form?"},
]

stream = client.chat.completions.create(
    model="mistral-7b",
    messages=messages,
    temperature=0.5,
    max_tokens=50,
    top_p=0.95,
    stream=True,
    # Not OpenAI's, so the client takes it apart from the rest.
    extra_body={"repetition_penalty": 1.1},
)
for chunk in stream:
    print(chunk.choices[0].delta.content or "", end="", flush=True)
print()

answer = client.chat.completions.create(model="mistral-7b", messages=messages, temperature=0.5, max_tokens=50, top_p=0.95)
print(answer.choices[0].message.content)
