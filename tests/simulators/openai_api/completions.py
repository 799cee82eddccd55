"""The forms of OpenAI's chat completions: whole, in chunks, with usage."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_ID = "chatcmpl-simulated"
_CREATED = 1_760_000_000

MODELS = {
    "object": "list",
    "data": [{"id": "simulated", "object": "model", "created": _CREATED, "owned_by": "tests"}],
}


def tokens_of(text: str) -> list[str]:
    """Words with the blanks before them: what the simulator streams."""
    return re.findall(r"\s*\S+|\s+$", text)


def count_of(text: str) -> int:
    """Tokens as providers count them, more or less: short words are one, long ones and numbers several, signs too."""
    return len(re.findall(r"[^\W\d_]{1,12}|\d{1,3}|_+|[^\w\s]+", text))


def whole(body: Mapping[str, Any], text: str) -> dict[str, Any]:
    """An answer in one piece."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop", "logprobs": None}
    return {**_head(body, "chat.completion"), "choices": [choice], "usage": _usage(body, text)}


def chunk(body: Mapping[str, Any], delta: Mapping[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    """A piece of an answer."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
    return {**_head(body, "chat.completion.chunk"), "choices": [choice]}


def last_chunks(body: Mapping[str, Any], tokens: list[str], *, counts: bool) -> Iterator[dict[str, Any]]:
    """What follows the last token: why it was the last, and what it cost where that was asked for."""
    yield chunk(body, {}, "stop")
    if counts and (body.get("stream_options") or {}).get("include_usage"):
        yield {**_head(body, "chat.completion.chunk"), "choices": [], "usage": _usage(body, "".join(tokens))}


def event(value: Mapping[str, Any]) -> str:
    """A server-sent event."""
    return f"data: {json.dumps(value)}\n\n"


def _head(body: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {"id": _ID, "object": kind, "created": _CREATED, "model": body.get("model", "simulated")}


def _usage(body: Mapping[str, Any], text: str) -> dict[str, int]:
    prompt = sum(count_of(str(message.get("content", ""))) for message in body["messages"])
    answer = count_of(text)
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}
