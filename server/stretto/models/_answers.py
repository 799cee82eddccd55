"""Structured answers: asked for in words, found in the text, checked, and asked for again with what was wrong.

JSON in text, because it is what every server can do: some that speak OpenAI's API refuse requests with tools, some
with one or the other form of `response_format`, and answers have to be checked anyway.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

S = TypeVar("S", bound=BaseModel)
Check = Callable[[S], list[str]]
"""Says what is wrong with an answer that has the right shape, one sentence each; nothing where it is right."""

_OBJECTS_MAX = 8
"""Places in an answer at which its object is looked for: a model talks around it, but not without end."""
_FAULTS_MAX = 20
"""Faults that a model is told of at once."""

_THOUGHTS = re.compile(r"<think>.*?</think>", re.DOTALL)


class WrongAnswer(ValueError):
    """An answer is not what was asked for."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = faults


def asked_for(shape: type[BaseModel], form: str = "") -> str:
    """What a model is told about the form of its answer: the form in the caller's words, or else its schema."""
    if form:
        return f"Answer with one JSON object of this form and nothing else:\n{form}"
    schema = json.dumps(shape.model_json_schema(), ensure_ascii=False, separators=(",", ":"))
    return f"Answer with one JSON object and nothing else. It must satisfy this JSON schema:\n{schema}"


def asked_again(wrong: WrongAnswer) -> str:
    """What a model is told about its wrong answer."""
    faults = "\n".join(f"- {fault}" for fault in wrong.faults[:_FAULTS_MAX])
    return f"That answer is wrong:\n{faults}\nAnswer again, with the corrected JSON object and nothing else."


def checked(text: str, shape: type[S], check: Check[S] | None) -> S:
    """The answer in a model's text."""
    try:
        answer = shape.model_validate(_object_in(text))
    except ValidationError as error:
        raise WrongAnswer([_told(fault["loc"], fault["msg"]) for fault in error.errors()]) from None
    faults = check(answer) if check else []
    if faults:
        raise WrongAnswer(faults)
    return answer


def _object_in(text: str) -> dict[str, Any]:
    """The first JSON object in a text, whatever stands around it: fences, thoughts, courtesies."""
    for found in _objects_in(_THOUGHTS.sub("", text)):
        if _is_text(found):
            return found
        raise WrongAnswer(["it holds escaped characters that are no text (surrogates)"])
    raise WrongAnswer(["there is no JSON object in it"])


def _objects_in(text: str) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder(parse_constant=_refuse)
    starts = (match.start() for match in re.finditer(r"\{", text))
    for start, _ in zip(starts, range(_OBJECTS_MAX), strict=False):
        try:
            yield decoder.raw_decode(text, start)[0]
        except (ValueError, RecursionError):
            continue


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _is_text(value: Any) -> bool:
    """Whether all of it can be written as UTF-8. Escapes make halves of characters, which nothing later could store."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _told(location: tuple[int | str, ...], message: str) -> str:
    return f"{'.'.join(map(str, location)) or 'the object'}: {message}"
