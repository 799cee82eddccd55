"""The statement behind `list`: which index drives it, and what filters."""

# ruff: noqa: S608  # Only names from these modules are put into statements; values are bound.

from collections.abc import Callable
from dataclasses import dataclass, field

from stretto.server.domain.clock import Micros
from stretto.server.domain.session import TURN
from stretto.server.store import _rows
from stretto.server.store.port import WorkflowFilter
from stretto.server.store.postgres import _sql

Value = str | int | list[str] | list[int]


@dataclass(slots=True)
class Values:
    """The values of a statement, each of which gives the place to name it by."""

    all: list[Value] = field(default_factory=list)

    def add(self, value: Value) -> str:
        """Bind a value."""
        self.all.append(value)
        return f"${len(self.all)}"


@dataclass(frozen=True, slots=True)
class _Arm:
    """A walk along one index, newest first; `d` names its table."""

    source: str
    put: Callable[[Value], str]
    conditions: list[str] = field(default_factory=list)

    def hold(self, condition: str, *values: Value) -> None:
        """Add a condition, with a place for each value."""
        self.conditions.append(condition.format(*(self.put(value) for value in values)))

    def text(self, limit: str) -> str:
        """The keys that it finds."""
        return (
            f"(SELECT d.created_at, d.workflow_id FROM {self.source} WHERE {' AND '.join(self.conditions)}"
            f" ORDER BY d.created_at DESC, d.workflow_id DESC LIMIT {limit})"
        )


def listing(
    project: str, where: WorkflowFilter, limit: int, before: tuple[Micros, str] | None
) -> tuple[str, list[Value]]:
    """The statement and its values: it finds the keys of one page, then loads their rows.

    Every arm walks an index in the order of the result and stops at the limit, so a page costs what it shows and
    what the other conditions skip.
    """
    values = Values()
    at, most = values.add(project), f"{values.add(limit)}::bigint"
    arms = _arms(project, where, values.add)
    for arm in arms:
        if before:
            arm.hold("(d.created_at, d.workflow_id) < ({}, {})", *before)
        if where.created_after:
            arm.hold("d.created_at >= {}", where.created_after)
        if where.created_before:
            arm.hold("d.created_at < {}", where.created_before)
    keys = " UNION ALL ".join(arm.text(most) for arm in arms)
    text = (
        f"WITH page (created_at, workflow_id) AS (SELECT * FROM ({keys}) AS found ORDER BY 1 DESC, 2 DESC LIMIT {most})"
        f" SELECT {_rows.WORKFLOW_COLUMNS} FROM page"
        f" JOIN workflow AS w ON w.project = {at} AND w.workflow_id = page.workflow_id"
        " JOIN workflow_state AS s ON s.project = w.project AND s.workflow_id = w.workflow_id"
        " ORDER BY page.created_at DESC, page.workflow_id DESC"
    )
    return text, values.all


def _arms(project: str, where: WorkflowFilter, put: Callable[[Value], str]) -> list[_Arm]:
    """One arm along the narrowest index; one for each status when that is the narrowest."""
    if where.labels:
        return [_label_arm(project, where, put)]
    if where.session_id or not where.statuses:
        return [_workflow_arm(project, where, put)]
    return [_status_arm(project, where, int(status), put) for status in sorted(set(where.statuses))]


def _label_arm(project: str, where: WorkflowFilter, put: Callable[[Value], str]) -> _Arm:
    arm = _Arm("workflow_label AS d JOIN workflow AS w USING (project, workflow_id)", put)
    arm.hold("d.project = {} AND d.name = {} AND d.value = {}", project, *where.labels[0])
    for label in where.labels[1:]:
        arm.hold(
            "EXISTS (SELECT 1 FROM workflow_label AS l WHERE l.project = d.project AND l.name = {} AND l.value = {}"
            " AND l.created_at = d.created_at AND l.workflow_id = d.workflow_id)",
            *label,
        )
    if where.session_id:
        arm.hold("w.session_id = {}", where.session_id)
    _hold_common(arm, "w", where)
    _hold_statuses(arm, where)
    return arm


def _workflow_arm(project: str, where: WorkflowFilter, put: Callable[[Value], str]) -> _Arm:
    arm = _Arm("workflow AS d", put)
    arm.hold("d.project = {}", project)
    if where.session_id:
        # The second condition is the index's own; a plan for any value does not conclude it.
        arm.hold("d.session_id = {} AND d.session_id <> ''", where.session_id)
    _hold_common(arm, "d", where)
    _hold_statuses(arm, where)
    return arm


def _status_arm(project: str, where: WorkflowFilter, status: int, put: Callable[[Value], str]) -> _Arm:
    arm = _Arm("workflow_state AS d", put)
    arm.hold("d.status = {} AND d.project = {}", status, project)
    _hold_common(arm, "d", where)
    return arm


def _hold_common(arm: _Arm, table: str, where: WorkflowFilter) -> None:
    """What every list leaves out: other types; turns, unless they are asked for; what was deleted with its session."""
    if where.workflow_types:
        arm.hold(f"{table}.workflow_type = ANY({{}}::text[])", list(where.workflow_types))
    else:
        arm.hold(f"{table}.workflow_type <> {{}}", TURN)
    arm.hold(_sql.not_gone(table))


def _hold_statuses(arm: _Arm, where: WorkflowFilter) -> None:
    if where.statuses:
        arm.hold(
            "EXISTS (SELECT 1 FROM workflow_state AS s WHERE s.project = d.project AND s.workflow_id = d.workflow_id"
            " AND s.status = ANY({}::integer[]))",
            [int(status) for status in where.statuses],
        )
