"""What one role does: read all that there is, and write its part, by the chat model or by the rules."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from stretto.workflows.project_audit.forms import form_of
from stretto.workflows.project_audit.spent import Spent
from stretto.workflows.project_audit.written import Written
from stretto.workflows.project_audit_staged.report import Report, report_by_rules, told_of
from stretto.workflows.project_audit_staged.roles import Role, prompt
from stretto.workflows.project_audit_staged.state import State, Wrote
from stretto.workflows.project_audit_staged.telling import Telling


class RoleFailed(Exception):
    """A role has written nothing, and those after it need what it writes."""


class Writer:
    """The node of a role that writes a text."""

    def __init__(self, role: Role, number: int, count: int, seconds_max: float) -> None:
        self.role = role
        self._place = number, count
        self._seconds_max = seconds_max

    async def __call__(self, state: State) -> State:
        """Write, or fail for the whole."""
        telling = Telling(self.role, *self._place)
        telling.started(self._seconds_max)
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._seconds_max):
                text, spent = await self._written(state["request"], _texts(state), telling)
        except (RoleFailed, TimeoutError) as error:
            why = str(error) or f"no answer within {self._seconds_max:g} s"
            telling.failed(time.monotonic() - began, why)
            raise RoleFailed(f"The {self.role.title} has no answer: {why}") from error
        seconds = time.monotonic() - began
        telling.succeeded(seconds, self._found(text))
        return {"wrote": {self.role.name: Wrote(text=text, spent=spent, seconds=seconds)}}

    async def _written(
        self, request: Mapping[str, Any], texts: Mapping[str, str], telling: Telling
    ) -> tuple[str, Spent]:
        from stretto.models import Meter, ModelUnavailable, configured  # noqa: PLC0415 - only an audit loads models

        model, meter, asked = configured(), Meter(), prompt(request, texts)
        try:
            if model is None:
                text, tokens = await asyncio.to_thread(self._by_rules, request, asked)
            else:
                text, tokens = await self._by_model(model, asked, meter, telling), meter.tokens
        except ModelUnavailable as error:
            raise RoleFailed(f"the chat model {error.reason.told}") from error
        return text, Spent.of(tokens)

    async def _by_model(self, model: Any, asked: str, meter: Any, telling: Telling) -> str:  # noqa: ARG002 - how long a text gets nobody knows, so nothing is told of it
        text: str = await model.write(self.role.system, asked, meter=meter, watched=False)
        return text

    def _by_rules(self, request: Mapping[str, Any], asked: str) -> tuple[str, Any]:
        from stretto.models import estimated  # noqa: PLC0415

        text = self.role.rules(request)
        return text, estimated(self.role.system, asked, text)

    def _found(self, text: str) -> dict[str, Any]:  # noqa: ARG002 - a text of no form tells watchers nothing
        return {}


class Editor(Writer):
    """The node of the role that fills in the report; its text is that report as JSON."""

    async def _by_model(self, model: Any, asked: str, meter: Any, telling: Telling) -> str:
        written = Written(Report)
        report: Report = await model.structured(
            self.role.system,
            asked,
            Report,
            form=form_of(Report),
            meter=meter,
            seen=lambda text: telling.advanced(written.share(text)),
        )
        return report.model_dump_json()

    def _by_rules(self, request: Mapping[str, Any], asked: str) -> tuple[str, Any]:
        from stretto.models import estimated  # noqa: PLC0415

        text = report_by_rules(request).model_dump_json()
        return text, estimated(self.role.system, asked, text, shape=Report, form=form_of(Report))

    def _found(self, text: str) -> dict[str, Any]:
        return told_of(Report.model_validate_json(text))


def _texts(state: State) -> dict[str, str]:
    """What was written so far, in its order."""
    return {name: wrote.text for name, wrote in state.get("wrote", {}).items()}
