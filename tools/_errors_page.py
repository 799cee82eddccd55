"""The page on errors: reasons out of the protos, joined with the client's exceptions and the command's exit codes."""

import ast
import inspect
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

import grpc
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from stretto.cli._errors import _CODES
from stretto.cli._exits import MEANINGS, Exit
from stretto.client import errors
from stretto.client._refusals import _BY_CODE, _BY_REASON, DOMAIN

PREFIX: Final = "ERROR_REASON_"
OF_A_WORKFLOW: Final = "A workflow's error"
OUTCOMES: Final[Mapping[str, type[errors.WorkflowFailed]]] = {
    "DEADLINE_EXCEEDED": errors.WorkflowTimedOut,
    "POISONED": errors.WorkflowQuarantined,
}
"""Reasons of workflows that time out or are quarantined; all others of workflows come with one that failed."""

ABOUT: Final = """\
# Errors

Whoever calls a server sees one of two things go wrong: a call is refused, or a workflow that was started ends without a
result.

A refusal has a status of gRPC, and in its details (`google.rpc.ErrorInfo`, domain `{domain}`) a reason, which never
changes its meaning. Programs should look at the reason, or at the Python exception that stands for it, never at the
text. Its trailing metadata has an `x-correlation-id`, which the server's log knows the call by.

After UNAVAILABLE, DEADLINE_EXCEEDED and INTERNAL nobody knows whether the call took effect. Repeating it with the same
request id is safe. After any other refusal that has a reason nothing was changed.
"""


class Unmatched(Exception):
    """A reason says nothing of its status, or no exception stands for it."""


def errors_page(files: Iterable[FileDescriptorProto]) -> str:
    """All reasons, all exceptions, all exit codes."""
    reasons = dict(_reasons(files))
    refusals = {name: text for name, text in reasons.items() if not text.startswith(OF_A_WORKFLOW)}
    parts = [ABOUT.format(domain=DOMAIN), "\n## Refused calls\n\n", *_refused(refusals)]
    parts += ["\n## Workflows without a result\n\n", *_failed({n: t for n, t in reasons.items() if n not in refusals})]
    parts += ["\n## Exceptions of `stretto.client`\n\n", *_exceptions()]
    parts += ["\n## Exit codes of `stretto`\n\n", "| code | meaning |\n| --- | --- |\n"]
    parts += [f"| {code.value} | {meaning} |\n" for code, meaning in MEANINGS.items()]
    return "".join(parts)


def _reasons(files: Iterable[FileDescriptorProto]) -> Iterator[tuple[str, str]]:
    """Every reason with its comment, but for the one that is never sent."""
    file, number, enum = next(
        (file, number, enum)
        for file in files
        for number, enum in enumerate(file.enum_type)
        if enum.name == "ErrorReason"
    )
    comments = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}
    for index, value in enumerate(enum.value):
        if value.number:
            yield value.name.removeprefix(PREFIX), " ".join(comments.get((5, number, 2, index), "").split())


def _refused(reasons: Mapping[str, str]) -> Iterator[str]:
    yield "| reason | status | meaning | exception | exit code |\n| --- | --- | --- | --- | --- |\n"
    for name, text in reasons.items():
        code, meaning = _split(name, text)
        kind = exception_of(name, code)
        yield f"| `{name}` | {code.name} | {meaning} | {_link(kind)} | {_exit_of(kind)} |\n"
    yield "\nA status without one of these reasons comes from gRPC itself, or from a proxy on the way.\n\n"
    yield "| status | exception | exit code |\n| --- | --- | --- |\n"
    for code, kind in _BY_CODE.items():
        yield f"| {code.name} | {_link(kind)} | {_exit_of(kind)} |\n"
    yield f"| any other | {_link(errors.ServerFault)} | {_exit_of(errors.ServerFault)} |\n"


def _failed(reasons: Mapping[str, str]) -> Iterator[str]:
    yield "The `reason` of the `WorkflowError` in GetState and in the terminal event.\n\n"
    yield "| reason | meaning | exception of `handle.result()` |\n| --- | --- | --- |\n"
    for name, text in reasons.items():
        kind = OUTCOMES.get(name, errors.WorkflowFailed)
        yield f"| `{name}` | {_capital(text.removeprefix(OF_A_WORKFLOW + ': '))} | {_link(kind)} |\n"
    yield f"\nA cancelled workflow has no error; `handle.result()` raises {_link(errors.WorkflowCancelled)}.\n"


def _exceptions() -> Iterator[str]:
    """The tree, as a table: what each is for, and what it carries besides what its base does."""
    yield "All can be imported from `stretto.client`.\n\n"
    yield "| exception | kind of | meaning | carries | exit code |\n| --- | --- | --- | --- | --- |\n"
    for name in ["StrettoError", *sorted(set(errors.__all__) - {"StrettoError", "Violation"})]:
        kind: type[errors.StrettoError] = getattr(errors, name)
        if not kind.__doc__:
            raise Unmatched(f"{name} has no docstring")
        base = next(base for base in kind.__mro__[1:] if not base.__name__.startswith("_"))
        shown = _link(base) if issubclass(base, errors.StrettoError) else f"`{base.__name__}`"
        meaning = " ".join(inspect.cleandoc(kind.__doc__).split())
        anchor = f'<a id="{name.lower()}"></a>'
        yield f"| {anchor}`{name}` | {shown} | {meaning} | {'; '.join(_carries(kind))} | {_exit_of(kind)} |\n"


def _carries(kind: type[Exception]) -> Iterator[str]:
    """The attributes that a class documents: properties, and assignments with a string behind them."""
    for base in kind.__mro__:
        if base is not kind and not base.__name__.startswith("_"):
            continue
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(base)))):
            if isinstance(node, ast.FunctionDef) and node.name[0] != "_" and (text := ast.get_docstring(node)):
                yield f"`{node.name}`: {_lower(text)}"
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield from (f"`{name}`: {_lower(text)}" for name, text in _assigned(node.body))


def _assigned(body: Sequence[ast.stmt]) -> Iterator[tuple[str, str]]:
    """The attributes that are given a value, where a string behind that says what they are."""
    for one, behind in pairwise(body):
        if isinstance(one, ast.Assign | ast.AnnAssign) and isinstance(behind, ast.Expr):
            target = one.targets[0] if isinstance(one, ast.Assign) else one.target
            name = getattr(target, "attr", getattr(target, "id", ""))
            if isinstance(behind.value, ast.Constant):
                yield name, str(behind.value.value)


def exception_of(reason: str, code: grpc.StatusCode) -> type[errors.CallError]:
    """The exception that a refusal becomes."""
    kind = _BY_REASON.get(reason) or _BY_CODE.get(code)
    if kind is None and code is grpc.StatusCode.INTERNAL:
        return errors.ServerFault
    if kind is None:
        raise Unmatched(f"{reason}: no exception stands for it")
    return kind


def _split(reason: str, text: str) -> tuple[grpc.StatusCode, str]:
    """The status and the meaning out of a reason's comment."""
    code, colon, meaning = text.partition(": ")
    if not colon or code not in grpc.StatusCode.__members__:
        raise Unmatched(f"{reason}: its comment begins with no status")
    return grpc.StatusCode[code], _capital(meaning)


def _exit_of(kind: type[errors.StrettoError]) -> str:
    """The exit code of the command line for an exception; nothing for those that stand for several."""
    if kind in {errors.StrettoError, errors.CallError, errors.OutcomeError}:
        return ""
    return str(next((code for known, code in _CODES if issubclass(kind, known)), Exit.FAULT).value)


def _link(kind: type) -> str:
    return f"[{kind.__name__}](#{kind.__name__.lower()})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower(text: str) -> str:
    """A sentence as part of another one."""
    plain = " ".join(text.split()).removesuffix(".")
    return plain if plain[:4] == "gRPC" or plain[1:2].isupper() else plain[:1].lower() + plain[1:]
