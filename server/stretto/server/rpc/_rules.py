"""protovalidate's rules, told as violations of ours."""

from typing import Any, Final

import protovalidate
from google.protobuf.message import Message

from stretto.server.domain.errors import RegistrationError
from stretto.server.domain.payload import Violation

VIOLATIONS_MAX: Final = 50
"""Violations told of one message; a list of a million bad items shall not make a bigger answer than question."""

_VALIDATOR: Final = protovalidate.Validator()


def violations_of(message: Message) -> tuple[Violation, ...]:
    """The rules that a message breaks; empty when it keeps them all."""
    found = _VALIDATOR.collect_violations(message)
    return tuple(_to_violation(violation.proto) for violation in found[:VIOLATIONS_MAX]) if found else ()


def warm_up(message: Message, owner: str) -> None:
    """Compile the rules of a message's type, so that no call waits for it; RegistrationError when they are wrong."""
    try:
        _VALIDATOR.collect_violations(message)
    except (protovalidate.CompilationError, protovalidate.EvaluationError) as error:
        name = message.DESCRIPTOR.full_name
        raise RegistrationError(f"{owner} brings rules for {name} that do not compile: {error}") from None


def _to_violation(proto: Any) -> Violation:
    path = ""
    for element in proto.field.elements if proto.field else ():
        path += f".{element.field_name}" if path else element.field_name
        if element.subscript is not None:
            value = element.subscript.value
            path += f"[{value!r}]" if isinstance(value, str) else f"[{value}]"
    return Violation(path, proto.message or "breaks a rule", proto.rule_id)
