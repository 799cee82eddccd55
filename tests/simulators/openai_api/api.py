"""The paths of the simulator: OpenAI's for its callers, /script and /log for tests."""

import asyncio
import json
from collections import deque
from typing import Any

from pydantic import ValidationError

from tests.simulators.http import Request, Response
from tests.simulators.openai_api import completions
from tests.simulators.openai_api.rules import answer_to
from tests.simulators.openai_api.script import Behaviour, Script

_LOGGED_MAX = 1_000
"""Requests that are remembered word by word; benchmarks send many more, of which the count is enough."""
_ERROR_TYPES = {400: "invalid_request_error", 401: "invalid_request_error", 429: "rate_limit_error"}


class Api:
    """Answers requests, and remembers them."""

    def __init__(self) -> None:
        self._script = Script()
        self._count = 0
        self._requests: deque[dict[str, Any]] = deque(maxlen=_LOGGED_MAX)

    async def handle(self, request: Request, response: Response) -> None:
        match request.method, request.path:
            case "POST", "/v1/chat/completions":
                await self._complete(request, response)
            case "GET", "/v1/models":
                await response.send(200, completions.MODELS)
            case "PUT", "/script":
                await self._read_script(request, response)
            case "GET", "/log":
                await response.send(200, {"count": self._count, "requests": list(self._requests)})
            case "DELETE", "/log":
                self._forget()
                await response.send(200, {})
            case _:
                await _refuse(response, 404, f"Unknown request URL: {request.method} {request.path}.")

    async def _read_script(self, request: Request, response: Response) -> None:
        try:
            self._script.read(request.body)
        except ValidationError as error:
            await _refuse(response, 400, str(error))
        else:
            await response.send(200, {})

    def _forget(self) -> None:
        self._script.clear()
        self._count = 0
        self._requests.clear()

    async def _complete(self, request: Request, response: Response) -> None:
        body = json.loads(request.body)
        self._count += 1
        self._requests.append({"authorization": request.headers.get("authorization", ""), "body": body})
        behaviour = self._script.next(_system_of(body))
        await asyncio.sleep(behaviour.delay_seconds)
        if behaviour.hang:
            await response.hang()
        elif behaviour.status != 200:
            # OpenAI quotes keys and prompts in such messages, too.
            message = f"As the script says to {request.headers.get('authorization')}: {body.get('messages')}"
            await _refuse(response, behaviour.status, message, behaviour.retry_after)
        elif behaviour.body is not None:
            await response.send_text(200, behaviour.body, "text/html")
        elif behaviour.refuses_field in body:
            await _refuse(response, 400, f"Unrecognized request argument supplied: {behaviour.refuses_field}")
        elif not body.get("messages"):
            await _refuse(response, 400, "'messages' must not be empty.")
        else:
            await _answer(body, behaviour, response)


async def _answer(body: dict[str, Any], behaviour: Behaviour, response: Response) -> None:
    text = _text(body, behaviour)
    if not body.get("stream"):
        await response.send(200, completions.whole(body, text))
        return
    response.begin("text/event-stream")
    tokens = completions.tokens_of(text)
    for number, token in enumerate(tokens):
        if number == behaviour.cut_after:
            response.break_off()
            return
        if number == behaviour.end_after:
            await response.end()
            return
        if number == behaviour.fail_after:
            await response.piece(
                completions.event({"error": {"message": "As the script says.", "type": "server_error"}})
            )
            await response.end()
            return
        await response.piece(completions.event(completions.chunk(body, {"role": "assistant", "content": token})))
        await asyncio.sleep(behaviour.token_seconds)
    last_chunks = completions.last_chunks(body, tokens, counts=behaviour.counts)
    await response.piece("".join(completions.event(last) for last in last_chunks))
    await response.piece("data: [DONE]\n\n")
    await response.end()


def _text(body: dict[str, Any], behaviour: Behaviour) -> str:
    if behaviour.text is not None:
        return behaviour.text
    return answer_to(body["messages"]) if behaviour.answer is None else json.dumps(behaviour.answer)


def _system_of(body: dict[str, Any]) -> str:
    return "\n".join(str(each.get("content")) for each in body.get("messages") or () if each.get("role") == "system")


async def _refuse(response: Response, status: int, message: str, retry_after: str = "") -> None:
    kind = _ERROR_TYPES.get(status, "server_error")
    error = {"message": message, "type": kind, "param": None, "code": None}
    await response.send(status, {"error": error}, {"Retry-After": retry_after} if retry_after else None)
