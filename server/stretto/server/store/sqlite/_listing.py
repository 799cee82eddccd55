"""The statement behind `list`: which index drives it, and what filters."""

# ruff: noqa: S608  # Only names from these modules are put into statements; values are bound.

from dataclasses import dataclass, field

from stretto.server.domain.clock import Micros
from stretto.server.domain.session import TURN
from stretto.server.store import _rows
from stretto.server.store.port import WorkflowFilter
from stretto.server.store.sqlite import _sql

Values = list[str | int]


@dataclass(frozen=True, slots=True)
class _Arm:
    """A walk along one index, newest first; `d` names its table."""

    source: str
    conditions: list[str] = field(default_factory=list)
    values: Values = field(default_factory=list)

    def hold(self, condition: str, *values: str | int) -> None:
        """Add a condition."""
        self.conditions.append(condition)
        self.values.extend(values)

    @property
    def text(self) -> str:
        """The keys that it finds."""
        return f"SELECT d.created_at, d.workflow_id FROM {self.source} WHERE {' AND '.join(self.conditions)}"


def listing(project: str, where: WorkflowFilter, limit: int, before: tuple[Micros, str] | None) -> tuple[str, Values]:
    """The statement and its values: it finds the keys of one page, then loads their rows.

    Every arm walks an index in the order of the result and stops at the limit, so a page costs what it shows and
    what the other conditions skip.
    """
    arms = _arms(project, where)
    for arm in arms:
        if before:
            arm.hold("(d.created_at, d.workflow_id) < (?, ?)", *before)
        if where.created_after:
            arm.hold("d.created_at >= ?", where.created_after)
        if where.created_before:
            arm.hold("d.created_at < ?", where.created_before)
    keys = " UNION ALL ".join(arm.text for arm in arms)
    text = (
        f"WITH page (created_at, workflow_id) AS ({keys} ORDER BY 1 DESC, 2 DESC LIMIT ?)"
        f" SELECT {_rows.WORKFLOW_COLUMNS} FROM page"
        " CROSS JOIN workflow AS w ON w.project = ? AND w.workflow_id = page.workflow_id"
        " CROSS JOIN workflow_state AS s ON s.project = w.project AND s.workflow_id = w.workflow_id"
        " ORDER BY page.created_at DESC, page.workflow_id DESC"
    )
    return text, [*(value for arm in arms for value in arm.values), limit, project]


def _arms(project: str, where: WorkflowFilter) -> list[_Arm]:
    """One arm along the narrowest index; one for each status when that is the narrowest."""
    if where.labels:
        return [_label_arm(project, where)]
    if where.session_id or not where.statuses:
        return [_workflow_arm(project, where)]
    return [_status_arm(project, where, int(status)) for status in sorted(set(where.statuses))]


def _label_arm(project: str, where: WorkflowFilter) -> _Arm:
    arm = _Arm("workflow_label AS d CROSS JOIN workflow AS w USING (project, workflow_id)")
    arm.hold("d.project = ? AND d.name = ? AND d.value = ?", project, *where.labels[0])
    for label in where.labels[1:]:
        arm.hold("(project, ?, ?, d.created_at, workflow_id) IN workflow_label", *label)
    if where.session_id:
        arm.hold("w.session_id = ?", where.session_id)
    _hold_common(arm, "w", where)
    _hold_statuses(arm, where)
    return arm


def _workflow_arm(project: str, where: WorkflowFilter) -> _Arm:
    index = "workflow_by_session" if where.session_id else "workflow_by_creation"
    arm = _Arm(f"workflow AS d INDEXED BY {index}")
    arm.hold("d.project = ?", project)
    if where.session_id:
        # The second condition is the index's own; SQLite does not conclude it from a bound value.
        arm.hold("d.session_id = ? AND d.session_id <> ''", where.session_id)
    _hold_common(arm, "d", where)
    _hold_statuses(arm, where)
    return arm


def _status_arm(project: str, where: WorkflowFilter, status: int) -> _Arm:
    arm = _Arm("workflow_state AS d INDEXED BY workflow_by_status")
    arm.hold("d.status = ? AND d.project = ?", status, project)
    _hold_common(arm, "d", where)
    return arm


def _hold_common(arm: _Arm, table: str, where: WorkflowFilter) -> None:
    """What every list leaves out: other types; turns, unless they are asked for; what was deleted with its session."""
    if where.workflow_types:
        arm.hold(f"{table}.workflow_type IN ({','.join('?' * len(where.workflow_types))})", *where.workflow_types)
    else:
        arm.hold(f"{table}.workflow_type <> ?", TURN)
    arm.hold(_sql.not_gone(table))


def _hold_statuses(arm: _Arm, where: WorkflowFilter) -> None:
    if where.statuses:
        arm.hold(
            "EXISTS (SELECT 1 FROM workflow_state AS s WHERE s.project = d.project AND s.workflow_id = d.workflow_id"
            f" AND s.status IN ({','.join('?' * len(where.statuses))}))",
            *(int(status) for status in where.statuses),
        )
