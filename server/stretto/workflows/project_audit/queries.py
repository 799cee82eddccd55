"""The two queries of an audit: what each asks a chat model, and the rules that answer where none is configured."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict

from stretto.workflows.fan_out import advance
from stretto.workflows.project_audit import prompts, rules
from stretto.workflows.project_audit.answers import ComplianceAnswer, ComprehensiveAnswer, compliance_of
from stretto.workflows.project_audit.forms import form_of
from stretto.workflows.project_audit.spent import Meters, Spent
from stretto.workflows.project_audit.written import Written

if TYPE_CHECKING:
    from stretto.models import ChatModel, Meter

COMPREHENSIVE: Final = "comprehensive"
COMPLIANCE: Final = "compliance"
ASKING: Final = "asking"


class QueryFailed(Exception):
    """A query has no answer. The message says why, in words."""


class Comprehensive(BaseModel):
    """What came of the query `comprehensive`, and what it cost."""

    model_config = ConfigDict(frozen=True)

    answer: ComprehensiveAnswer
    spent: Spent


class Complying(BaseModel):
    """What came of the query `compliance`, and what it cost."""

    model_config = ConfigDict(frozen=True)

    answer: ComplianceAnswer
    spent: Spent


@dataclass(frozen=True, slots=True)
class Query:
    """One query: its words for a model, the shape of its answer, and the rules that answer instead."""

    name: str
    system: str
    shape: type[BaseModel]
    rules: Callable[[Mapping[str, Any], Callable[[float], Any]], BaseModel]
    returns: type[Any]
    """`Comprehensive` or `Complying`: its answer with what it cost."""
    seconds_max: float | None = None
    """Time for it; the setting's when left out."""


QUERIES: Final = (
    Query(COMPREHENSIVE, prompts.COMPREHENSIVE, ComprehensiveAnswer, rules.comprehensive, Comprehensive),
    Query(COMPLIANCE, prompts.COMPLIANCE, ComplianceAnswer, rules.compliance, Complying),
)

Ask = Callable[[Mapping[str, Any]], Any]
"""Answers a query about `{"request": …, "audit_id": …}`, as its `returns` says."""


def asking(query: Query, meters: Meters) -> Ask:
    """How a query is answered: by the chat model that is configured, by the rules without one."""

    async def ask(asked: Mapping[str, Any]) -> Any:
        from stretto.models import configured  # noqa: PLC0415 - only an audit loads models

        model = configured()
        if model is None:
            # Computing holds up nobody else in a thread; told on the loop, the shares of both queries keep their order.
            loop, progress = asyncio.get_running_loop(), Progress(query)
            return await asyncio.to_thread(
                by_rules, query, asked["request"], lambda share: loop.call_soon_threadsafe(progress.reached, share)
            )
        return await by_model(model, query, asked["request"], meters.of(asked["audit_id"], query.name))

    return ask


async def by_model(model: "ChatModel", query: Query, request: Mapping[str, Any], meter: "Meter") -> Any:
    """What the model answers, with its progress. Where it fails, so does the query: no rules stand in unasked."""
    from stretto.models import ModelUnavailable  # noqa: PLC0415

    try:
        answer = await model.structured(
            query.system,
            prompts.context(request),
            query.shape,
            form=form_of(query.shape),
            meter=meter,
            seen=Progress(query).written,
        )
    except ModelUnavailable as error:
        raise QueryFailed(f"the chat model {error.reason.told}") from error
    return query.returns(answer=answer, spent=Spent.of(meter.tokens))


def by_rules(query: Query, request: Mapping[str, Any], told: Callable[[float], Any]) -> Any:
    """What the rules answer, and what a model would have been sent and have answered with."""
    answer = query.rules(request, told)
    return query.returns(answer=answer, spent=estimate(query, request, answer.model_dump_json()))


def estimate(query: Query, request: Mapping[str, Any], answer: str = "") -> Spent:
    """What a model would have been sent and have answered with."""
    from stretto.models import estimated  # noqa: PLC0415

    form = form_of(query.shape)
    return Spent.of(estimated(query.system, prompts.context(request), answer, shape=query.shape, form=form))


class Progress:
    """Tells how far one query is. What a model writes anew after a wrong answer takes nothing back."""

    def __init__(self, query: Query) -> None:
        self._name = query.name
        self._written = Written(query.shape)
        self._told = 0.0

    def written(self, text: str) -> None:
        """Tell that so much of the answer is written."""
        self.reached(self._written.share(text))

    def reached(self, fraction: float) -> None:
        """Tell that such a share is done, unless nothing has changed."""
        if fraction > self._told:
            self._told = fraction
            advance(fraction, f"{self._name}: {fraction:.0%}", phase=ASKING)


def told_of(found: Comprehensive | Complying) -> dict[str, Any]:
    """What watchers are told of an answer at once."""
    return {"phase": ASKING, **contract_of(found.answer)}


def contract_of(answer: ComprehensiveAnswer | ComplianceAnswer) -> dict[str, Any]:
    """An answer in the fields of the contract."""
    if isinstance(answer, ComprehensiveAnswer):
        return {"summary": answer.model_dump(mode="json")}
    told = answer.model_dump(mode="json")
    return {"compliance": compliance_of(answer.findings).model_dump(mode="json"), "risks": told["risks"]}
