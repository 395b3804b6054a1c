"""The predict route: `pip install requests`, start a server, run this file.

    npx -p mistral-webgpu -p webgpu mistral-webgpu serve
"""

import os

import requests

url = os.environ.get("MISTRAL_WEBGPU_URL", "http://127.0.0.1:8080") + "/predict"
headers = {"Authorization": f"Api-Key {os.environ.get('MISTRAL_WEBGPU_API_KEY', 'none')}"}
data = {
    "messages": [
        {"role": "user", "content": "What is a mistral?"},
        {"role": "assistant", "content": "A mistral is a type of cold, dry wind."},
        {"role": "user", "content": "How does the mistral wind form?"},
    ],
    "max_new_tokens": 60,
    "temperature": 0.9,
    "top_p": 0.85,
    "top_k": 40,
    "repetition_penalty": 1.1,
    "no_repeat_ngram_size": 3,
}

with requests.post(url, headers=headers, json={**data, "stream": True}, stream=True, timeout=120) as response:
    response.raise_for_status()
    response.encoding = "utf-8"
    for text in response.iter_content(chunk_size=None, decode_unicode=True):
        print(text, end="", flush=True)
print()

response = requests.post(url, headers=headers, json=data, timeout=120)
response.raise_for_status()
print(response.json())
