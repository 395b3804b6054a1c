"""OpenAI's Python client, unmodified, on a running server of the embedded model: every check fails with what came instead.

    npm run serve -- --port 8080
    python test/compare/openai_client.py http://127.0.0.1:8080      # openai 3.x, pydantic
    python test/compare/openai_client.py http://127.0.0.1:8081 tools      # the model of client_model.ts, see anthropic_client.py
"""

import asyncio
import sys
import urllib.request
from typing import Literal

import openai
from checks import raised
from pydantic import BaseModel, Field

BASE = (sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080") + "/v1"
client = openai.OpenAI(api_key="none", base_url=BASE, max_retries=0)
MESSAGES = [{"role": "user", "content": "What is a mistral?"}]
GREEDY = {"model": "pocket", "messages": MESSAGES, "temperature": 0, "max_tokens": 24}
ROOM = 450  # The embedded model rambles in white space.


class Wind(BaseModel, extra="forbid"):
    kind: Literal["wind", "rain"]
    speed: int = Field(ge=0, le=99)


TOOL = {
    "type": "function",
    "function": {"name": "wind", "description": "How it blows", "parameters": Wind.model_json_schema()},
}


def text_of(stream) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def check_chat():
    whole = client.chat.completions.create(**GREEDY)
    text = whole.choices[0].message.content
    assert len(text) > 10 and whole.usage.completion_tokens == 24, whole
    assert text_of(client.chat.completions.create(**GREEDY, stream=True)) == text
    # The client's own helper takes an answer that was cut off for an error.
    ended = {**GREEDY, "max_tokens": ROOM}
    with client.chat.completions.stream(**ended) as stream:
        kinds = {event.type for event in stream}
        assert stream.get_final_completion().choices[0].message.content.startswith(text)
    with client.chat.completions.stream(**GREEDY) as stream:
        raised(openai.LengthFinishReasonError, lambda: list(stream) and stream.get_final_completion())
    assert {"chunk", "content.delta", "content.done"} <= kinds, kinds
    several = client.chat.completions.create(**{**GREEDY, "temperature": 1}, n=2, seed=7, logprobs=True, top_logprobs=2)
    assert len(several.choices) == 2 and len(several.choices[1].logprobs.content[0].top_logprobs) == 2
    word = text.split()[2]
    own = client.chat.completions.create(**GREEDY, extra_body={"bad_words": [word]})
    assert word not in own.choices[0].message.content.split(), own


def check_structured():
    asked = {"model": "pocket", "messages": MESSAGES, "max_tokens": ROOM}
    parsed = client.chat.completions.parse(**asked, response_format=Wind).choices[0].message.parsed
    assert isinstance(parsed, Wind), parsed
    with client.chat.completions.stream(**asked, response_format=Wind) as stream:
        assert isinstance(stream.get_final_completion().choices[0].message.parsed, Wind)
    response = client.responses.parse(model="pocket", input="Hi", text_format=Wind, max_output_tokens=ROOM)
    assert isinstance(response.output_parsed, Wind), response


def check_responses():
    asked = {"model": "pocket", "input": "What is a mistral?", "temperature": 0, "max_output_tokens": 24}
    whole = client.responses.create(**asked)
    assert whole.output_text == client.chat.completions.create(**GREEDY).choices[0].message.content
    events = list(client.responses.create(**asked, stream=True))
    assert events[0].type == "response.created" and events[-1].type in ("response.completed", "response.incomplete")
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == whole.output_text
    # The client's own helper takes an answer that was cut off for an error.
    with client.responses.stream(**{**asked, "max_output_tokens": ROOM}) as stream:
        stream.until_done()
        assert stream.get_final_response().output_text.startswith(whole.output_text)
    second = client.responses.create(model="pocket", input="And?", previous_response_id=whole.id, max_output_tokens=4)
    assert second.usage.input_tokens > whole.usage.input_tokens
    assert client.responses.retrieve(whole.id).output_text == whole.output_text
    assert len(client.responses.input_items.list(whole.id).data) == 1
    assert client.responses.input_tokens.count(model="pocket", input="Hi").input_tokens > 2
    client.responses.delete(whole.id)
    raised(openai.NotFoundError, lambda: client.responses.retrieve(whole.id))


def check_embeddings():
    both = client.embeddings.create(model="pocket", input=["a wind", "a sea"])
    assert abs(sum(x * x for x in both.data[0].embedding) - 1) < 1e-3
    floats = client.embeddings.create(model="pocket", input="a wind", encoding_format="float")
    assert all(abs(a - b) < 1e-6 for a, b in zip(floats.data[0].embedding, both.data[0].embedding))


def check_errors():
    bad = raised(openai.BadRequestError, lambda: client.chat.completions.create(**{**GREEDY, "temperature": 9}))
    assert (bad.param, bad.type) == ("temperature", "invalid_request_error"), bad.body
    long = [{"role": "user", "content": "wind " * 3000}]
    full = raised(openai.BadRequestError, lambda: client.chat.completions.create(**{**GREEDY, "messages": long}))
    assert full.code == "context_length_exceeded", full.body
    raised(openai.NotFoundError, lambda: client.models.retrieve("gpt"))
    raised(openai.BadRequestError, lambda: client.responses.create(model="pocket", input="a", temperature=9))
    # The embedded model's chat format has no tools: they are refused by name, and not left out.
    tools = raised(openai.BadRequestError, lambda: client.chat.completions.create(**GREEDY, tools=[TOOL]))
    assert tools.param == "tools", tools.body
    assert client.chat.completions.create(**GREEDY, tools=[TOOL], tool_choice="none").choices[0].message.content


def check_tools():
    asked = {"model": "local", "messages": MESSAGES, "max_tokens": ROOM}
    forced = {**asked, "tools": [TOOL], "tool_choice": "required", "parallel_tool_calls": False}
    choice = client.chat.completions.create(**forced).choices[0]
    [call] = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls" and Wind.model_validate_json(call.function.arguments), choice
    own = openai.pydantic_function_tool(Wind)
    parsed = client.chat.completions.parse(**{**forced, "tools": [own]}).choices[0].message
    assert isinstance(parsed.tool_calls[0].function.parsed_arguments, Wind), parsed
    with client.chat.completions.stream(**forced) as stream:
        kinds = {event.type for event in stream}
    assert "tool_calls.function.arguments.done" in kinds, kinds
    turns = [
        *MESSAGES,
        {"role": "assistant", "content": None, "tool_calls": [call.model_dump()]},
        {"role": "tool", "tool_call_id": call.id, "content": "strong"},
    ]
    client.chat.completions.create(**{**asked, "messages": turns, "max_tokens": 8}, tools=[TOOL])
    flat = {"type": "function", **TOOL["function"], "strict": True}
    response = client.responses.create(
        model="local", input="Hi", tools=[flat], tool_choice="required", max_output_tokens=ROOM
    )
    calls = [item for item in response.output if item.type == "function_call"]
    assert calls and Wind.model_validate_json(calls[0].arguments), response
    results = [{"type": "function_call_output", "call_id": item.call_id, "output": "strong"} for item in calls]
    second = client.responses.create(
        model="local", input=results, previous_response_id=response.id, tools=[flat], max_output_tokens=8
    )
    assert second.usage.input_tokens > response.usage.input_tokens


def running() -> int:
    with urllib.request.urlopen(BASE.replace("/v1", "/metrics")) as answer:
        page = answer.read().decode()
    [line] = [line for line in page.splitlines() if "requests_running" in line and not line.startswith("#")]
    return int(float(line.split()[-1]))


async def check_abort():
    own = openai.AsyncOpenAI(api_key="none", base_url=BASE, max_retries=0)
    endless = {**GREEDY, "temperature": 1, "max_tokens": 900, "extra_body": {"ignore_eos": True}}
    stream = await own.chat.completions.create(**endless, stream=True)
    async for _ in stream:
        break
    await stream.close()
    task = asyncio.create_task(own.chat.completions.create(**endless))
    await asyncio.sleep(0.1)
    task.cancel()
    for _ in range(200):
        if running() == 0:
            break
        await asyncio.sleep(0.05)
    assert running() == 0, "the sequences of clients that left still run"
    # The server goes on.
    assert (await own.chat.completions.create(**GREEDY)).choices[0].message.content
    raised(openai.APITimeoutError, lambda: client.with_options(timeout=0.05).chat.completions.create(**endless))


if "tools" in sys.argv[2:]:
    check_tools()
    print("ok check_tools")
    sys.exit()
for check in (check_chat, check_structured, check_responses, check_embeddings, check_errors):
    check()
    print("ok", check.__name__)
asyncio.run(check_abort())
print("ok check_abort")
