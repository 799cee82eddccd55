"""What callers can do with workflows: each verb checks what may be done, changes the store and hints the dispatcher."""

from functools import partial
from typing import Protocol

from stretto.server.domain import transitions
from stretto.server.domain.change import Change, CheckpointCopy, Committed, Decide, Request
from stretto.server.domain.clock import Clock, Micros
from stretto.server.domain.errors import CheckpointNotFound, InterruptNotFound, InvalidRequest
from stretto.server.domain.ids import new_request_id, new_workflow_id
from stretto.server.domain.payload import Payload, Violation
from stretto.server.domain.session import TURN
from stretto.server.domain.workflow import Edit, Interrupt, Origin, OriginKind, Status, Workflow
from stretto.server.engine.catalog import Catalog
from stretto.server.store.port import Store


class Dispatcher(Protocol):
    """Sees to it that accepted workflows run. Hints are cheap and may come twice; the store is the truth."""

    def admit(self) -> None:
        """Raise Draining or StoreUnavailable when no new work may be accepted."""
        ...

    def check_queue(self, *, turn: bool = False) -> None:
        """Raise Overloaded when too many wait; turns are counted apart."""
        ...

    def changed(self, workflow: Workflow) -> None:
        """Tell of a workflow that was accepted, decided, cancelled or given a deadline."""
        ...


class Workflows:
    """The verbs of the API, in domain terms."""

    def __init__(self, store: Store, catalog: Catalog, dispatcher: Dispatcher, clock: Clock) -> None:
        self._store = store
        self._catalog = catalog
        self._dispatcher = dispatcher
        self._clock = clock

    async def start(
        self,
        project: str,
        workflow_type: str,
        payload: Payload,
        *,
        request: Request | None = None,
        session_id: str = "",
        labels: tuple[tuple[str, str], ...] = (),
        deadline: Micros = 0,
    ) -> Workflow:
        """Accept a workflow. It is durable when this returns, and nothing of it has run."""
        accepted = await self.accept(
            project, workflow_type, payload, request=request, session_id=session_id, labels=labels, deadline=deadline
        )
        return accepted.workflow

    async def accept(
        self,
        project: str,
        workflow_type: str,
        payload: Payload,
        *,
        request: Request | None = None,
        session_id: str = "",
        labels: tuple[tuple[str, str], ...] = (),
        deadline: Micros = 0,
    ) -> Committed:
        """As `start`, telling also whether an earlier request with this one's id did it."""
        if (earlier := await self._too_late(project, deadline, request)) is not None:
            return Committed(earlier, fresh=False)
        self._dispatcher.admit()
        request_id = request.request_id if request else ""
        made = self.prepare(
            project,
            workflow_type,
            payload,
            request_id=request_id,
            session_id=session_id,
            labels=labels,
            deadline=deadline,
        )
        committed = await self._store.create(transitions.accept(made), request)
        if committed.fresh:
            self._dispatcher.changed(committed.workflow)
        return committed

    def prepare(
        self,
        project: str,
        workflow_type: str,
        payload: Payload,
        *,
        request_id: str = "",
        session_id: str = "",
        labels: tuple[tuple[str, str], ...] = (),
        deadline: Micros = 0,
    ) -> Workflow:
        """A workflow as it will be accepted, or Overloaded. Nothing is stored, and a drain is no hindrance."""
        self._dispatcher.check_queue(turn=workflow_type == TURN)
        info = self._catalog.get(workflow_type)
        now = self._clock.now()
        return Workflow(
            project=project,
            workflow_id=new_workflow_id(now),
            workflow_type=info.name,
            type_version=info.version,
            status=Status.QUEUED,
            request_id=request_id or new_request_id(),
            input=payload,
            session_id=session_id,
            labels=labels,
            created_at=now,
            updated_at=now,
            deadline=deadline or (now + info.total_timeout if info.total_timeout else 0),
        )

    async def decide(
        self, project: str, workflow_id: str, interrupt_id: str, decision: Payload, *, request: Request | None = None
    ) -> tuple[Workflow, Interrupt]:
        """Decide an interrupt, exactly once."""
        rule = partial(_decide, interrupt_id=interrupt_id, decision=decision, at=self._clock.now())
        workflow = await self._update(project, workflow_id, rule, request)
        return workflow, await self.interrupt(project, workflow_id, interrupt_id)

    async def cancel(self, project: str, workflow_id: str, cause: str, *, request: Request | None = None) -> Workflow:
        """Ask for the end of a workflow."""
        rule = partial(_cancel, cause=cause, at=self._clock.now())
        return await self._update(project, workflow_id, rule, request)

    async def retry(
        self, project: str, workflow_id: str, *, request: Request | None = None, deadline: Micros = 0
    ) -> Workflow:
        """Make a workflow that goes on from the last checkpoint of a failed one."""
        if (earlier := await self._too_late(project, deadline, request)) is not None:
            return earlier
        self._dispatcher.admit()
        self._dispatcher.check_queue()
        newest = await self._store.checkpoint(project, workflow_id, "")
        copied = CheckpointCopy(workflow_id, newest.checkpoint.checkpoint_id, with_writes=True) if newest else None
        made = partial(self._made_from, kind=OriginKind.RETRY, copied=copied, request=request, deadline=deadline)
        return await self._update(project, workflow_id, partial(_retry, made=made, copied=copied), request)

    async def fork(
        self,
        project: str,
        workflow_id: str,
        checkpoint_id: str,
        *,
        edit: Edit | None = None,
        request: Request | None = None,
        deadline: Micros = 0,
    ) -> Workflow:
        """Make a workflow that goes on from a checkpoint of another one, with edited values."""
        if (earlier := await self._too_late(project, deadline, request)) is not None:
            return earlier
        self._dispatcher.admit()
        self._dispatcher.check_queue()
        source = await self._store.get(project, workflow_id)
        if edit is not None and edit.as_step:
            self._check_step(source.workflow_type, edit.as_step)
        chosen = await self._store.checkpoint(project, workflow_id, "", checkpoint_id)
        if chosen is None and checkpoint_id:
            raise CheckpointNotFound(checkpoint_id=checkpoint_id)
        copied = CheckpointCopy(workflow_id, chosen.checkpoint.checkpoint_id, with_writes=False) if chosen else None
        made = partial(
            self._made_from, kind=OriginKind.FORK, copied=copied, edit=edit, request=request, deadline=deadline
        )
        return await self._update(project, workflow_id, partial(_fork, made=made, copied=copied), request)

    def _check_step(self, name: str, step: str) -> None:
        """Refuse a step that the type does not have, where the type is known here. LangGraph's own begin with `__`."""
        if name not in self._catalog or step.startswith("__"):
            return
        steps = [described.step for described in self._catalog.get(name).steps if "/" not in described.step]
        if steps and step not in steps:
            what = f"must be a node of {name}: {', '.join(steps[:20])}"
            raise InvalidRequest(
                f"The request breaks a rule: as_step {what}.", violations=(Violation("as_step", what, "as_step"),)
            )

    async def interrupt(self, project: str, workflow_id: str, interrupt_id: str) -> Interrupt:
        """One interrupt of a workflow."""
        for interrupt in await self._store.interrupts(project, workflow_id):
            if interrupt.interrupt_id == interrupt_id:
                return interrupt
        await self._store.get(project, workflow_id)
        raise InterruptNotFound(interrupt_id=interrupt_id)

    async def _too_late(self, project: str, deadline: Micros, request: Request | None) -> Workflow | None:
        """Refuse a deadline that has passed, unless the request is an earlier one's repetition."""
        if not deadline or deadline > self._clock.now():
            return None
        earlier = await self._store.requested(project, request) if request else None
        if earlier is None:
            raise InvalidRequest(
                "The request breaks a rule: deadline must lie in the future.",
                violations=(Violation("deadline", "must lie in the future", "deadline"),),
            )
        return earlier

    async def _update(self, project: str, workflow_id: str, rule: Decide, request: Request | None) -> Workflow:
        committed = await self._store.update(project, workflow_id, rule, request)
        if committed.fresh:
            self._dispatcher.changed(committed.workflow)
        return committed.workflow

    def _made_from(
        self,
        source: Workflow,
        *,
        kind: OriginKind,
        copied: CheckpointCopy | None,
        request: Request | None,
        deadline: Micros,
        edit: Edit | None = None,
    ) -> Workflow:
        """A new workflow with the source's input, session and labels. Turns are made by messages only."""
        now = self._clock.now()
        info = self._catalog.public(source.workflow_type)
        return Workflow(
            project=source.project,
            workflow_id=new_workflow_id(now),
            workflow_type=info.name,
            type_version=info.version,
            status=Status.QUEUED,
            request_id=request.request_id if request else new_request_id(),
            input=source.input,
            session_id=source.session_id,
            labels=source.labels,
            created_at=now,
            updated_at=now,
            deadline=deadline or (now + info.total_timeout if info.total_timeout else 0),
            has_checkpoints=copied is not None,
            origin=Origin(kind, source.workflow_id, copied.checkpoint_id if copied else "", edit),
        )


class _Maker(Protocol):
    def __call__(self, source: Workflow) -> Workflow: ...


def _decide(
    workflow: Workflow, interrupts: tuple[Interrupt, ...], *, interrupt_id: str, decision: Payload, at: Micros
) -> tuple[Change, ...]:
    return transitions.decide(workflow, interrupts, interrupt_id, decision, at)


def _cancel(workflow: Workflow, _: tuple[Interrupt, ...], *, cause: str, at: Micros) -> tuple[Change, ...]:
    return transitions.cancel(workflow, cause, at)


def _retry(
    workflow: Workflow, _: tuple[Interrupt, ...], *, made: _Maker, copied: CheckpointCopy | None
) -> tuple[Change, ...]:
    return transitions.retry(workflow, made(workflow), copied)


def _fork(
    workflow: Workflow, _: tuple[Interrupt, ...], *, made: _Maker, copied: CheckpointCopy | None
) -> tuple[Change, ...]:
    return transitions.fork(made(workflow), copied)
