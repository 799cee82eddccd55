"""Rows as PostgreSQL wants and gives them: by column, and with bytes where text may hold any character."""

from collections.abc import Iterable, Sequence
from typing import Any

from stretto.server.domain.workflow import Workflow
from stretto.server.store import _rows
from stretto.server.store._rows import Row
from stretto.server.store.postgres._sql import TABLES

_LOADED = _rows.WORKFLOW_COLUMNS.split(", ")
_HEADLINE, _CANCEL_CAUSE = _LOADED.index("s.headline"), _LOADED.index("s.cancel_cause")
_STATE = TABLES["workflow_state"].columns
_STATE_HEADLINE, _STATE_CANCEL_CAUSE = _STATE.index("headline"), _STATE.index("cancel_cause")


def to_workflow(row: Sequence[Any]) -> Workflow:
    """A workflow from the columns of WORKFLOW_COLUMNS."""
    values = list(row)
    values[_HEADLINE] = values[_HEADLINE].decode()
    values[_CANCEL_CAUSE] = values[_CANCEL_CAUSE].decode()
    return _rows.to_workflow(tuple(values))


def state_row(row: Row) -> list[Any]:
    """A row of `workflow_state`, but for its revision."""
    values = list(row)
    values[_STATE_HEADLINE] = values[_STATE_HEADLINE].encode()
    values[_STATE_CANCEL_CAUSE] = values[_STATE_CANCEL_CAUSE].encode()
    return values


def columns(rows: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """The rows' values, column by column."""
    return list(zip(*rows, strict=True))


def last_of_each(rows: list[Row], key: int) -> list[Row]:
    """One row for each key, which is so many columns long: a statement may not write a row twice."""
    return list({row[:key]: row for row in rows}.values())
