"""Anthropic's Python client, unmodified, on a running server: every check fails with what came instead.

    npm run serve -- --port 8080                                        # the embedded model
    python test/compare/anthropic_client.py http://127.0.0.1:8080       # anthropic 1.x, pydantic
    npx tsx --conditions=mistral-webgpu-source test/compare/client_model.ts FOLDER && npm run serve -- --port 8081 --model FOLDER
    python test/compare/anthropic_client.py http://127.0.0.1:8081 tools
"""

import sys
from typing import Literal

import anthropic
from checks import raised
from pydantic import BaseModel

BASE = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080"
HAS_TOOLS = "tools" in sys.argv[2:]
client = anthropic.Anthropic(api_key="none", base_url=BASE, max_retries=0)
MESSAGES = [{"role": "user", "content": "What is a mistral?"}]
# The client has no names for the sampler's settings.
GREEDY = {"model": "local", "messages": MESSAGES, "max_tokens": 24, "extra_body": {"temperature": 0}}
WIND = {
    "type": "object",
    "properties": {"kind": {"enum": ["wind", "rain"]}, "speed": {"enum": [3, 9]}},
    "required": ["kind", "speed"],
    "additionalProperties": False,
}
TOOL = {"name": "wind", "description": "How it blows", "input_schema": WIND}
CALLS = {"model": "local", "messages": MESSAGES, "max_tokens": 400, "tools": [TOOL]}


class Wind(BaseModel):
    kind: Literal["wind", "rain"]
    speed: Literal[3, 9]  # The client takes the bounds of numbers out of a schema.


def text_of(message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def check_messages():
    whole = client.messages.create(**GREEDY)
    assert text_of(whole) and whole.stop_reason in ("max_tokens", "end_turn"), whole
    assert 0 < whole.usage.output_tokens <= 24, whole.usage
    pieces = []
    with client.messages.stream(**GREEDY) as stream:
        pieces = list(stream.text_stream)
        assert text_of(stream.get_final_message()) == text_of(whole)
    assert "".join(pieces) == text_of(whole) and len(pieces) > 3, pieces
    kinds = [event.type for event in client.messages.create(**GREEDY, stream=True)]
    assert kinds[0] == "message_start" and kinds[-2:] == ["message_delta", "message_stop"], kinds
    # A prompt that was asked before is in the cache, and is counted there.
    usage = whole.usage
    counted = client.messages.count_tokens(model="local", messages=MESSAGES).input_tokens
    assert counted == usage.input_tokens + (usage.cache_read_input_tokens or 0), (counted, usage)
    if HAS_TOOLS:
        return  # Random weights say no words.
    word = text_of(whole).split()[2]
    stopped = client.messages.create(**GREEDY, stop_sequences=[word])
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", word), stopped


def check_parsed():
    asked = {"model": "local", "messages": MESSAGES, "max_tokens": 400, "thinking": {"type": "disabled"}}
    held = {"output_config": {"format": {"type": "json_schema", "schema": WIND}}}
    assert Wind.model_validate_json(text_of(client.messages.create(**asked, **held)))
    parsed = client.messages.parse(**asked, output_format=Wind)
    assert isinstance(parsed.parsed_output, Wind), parsed


def check_errors():
    bad = raised(anthropic.BadRequestError, lambda: client.messages.create(**{**GREEDY, "extra_body": {"temperature": 9}}))
    assert bad.body["error"]["type"] == "invalid_request_error" and "temperature" in str(bad), bad.body
    raised(anthropic.APITimeoutError, lambda: client.with_options(timeout=0.001).messages.create(**GREEDY))
    if not HAS_TOOLS:
        assert "tools" in str(raised(anthropic.BadRequestError, lambda: client.messages.create(**CALLS)))


def check_tools():
    called = client.messages.create(**CALLS, tool_choice={"type": "tool", "name": "wind"})
    [call] = [block for block in called.content if block.type == "tool_use"]
    assert called.stop_reason == "tool_use" and Wind.model_validate(call.input), called
    with client.messages.stream(**CALLS, tool_choice={"type": "any", "disable_parallel_tool_use": True}) as stream:
        parts = [event.partial_json for event in stream if event.type == "input_json"]
        final = stream.get_final_message()
    assert Wind.model_validate([block for block in final.content if block.type == "tool_use"][0].input)
    assert len(parts) > 1, parts
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "strong"}
    turns = [*MESSAGES, {"role": "assistant", "content": called.content}, {"role": "user", "content": [result]}]
    answered = client.messages.create(**{**CALLS, "messages": turns, "max_tokens": 8}, tool_choice={"type": "none"})
    assert all(block.type == "text" for block in answered.content), answered


def check_thoughts():
    thinking = {"type": "enabled", "budget_tokens": 1024}
    answer = client.messages.create(**{**GREEDY, "max_tokens": 1100}, thinking=thinking)
    assert {block.type for block in answer.content} <= {"thinking", "text"}, answer


for check in (check_messages, check_parsed, check_errors, *((check_tools, check_thoughts) if HAS_TOOLS else ())):
    check()
    print("ok", check.__name__)
