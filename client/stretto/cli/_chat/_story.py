"""Folds a session's journal into what a person who talks needs to see of it. Nothing here draws."""

from dataclasses import dataclass, replace

from stretto.cli._live import StepView, WorkflowView
from stretto.fanout.v1.fanout_pb2 import BranchProgress
from stretto.session.v1.session_event_pb2 import ReplyDelta, SessionEvent
from stretto.session.v1.session_pb2 import Message, MessageRole, NoticeKind, TouchKind
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent
from stretto.workflow.v1.workflow_pb2 import WorkflowStatus
from stretto.workflow.v1.workflow_service_pb2 import GetStateResponse

__all__ = ["Story", "Writing", "view_of"]


@dataclass(frozen=True, slots=True)
class Writing:
    """A reply that is being written."""

    turn_id: str
    try_id: str
    text: str

    def after(self, delta: ReplyDelta) -> "Writing":
        """The reply with more of its text; that of another try begins anew."""
        same = (delta.turn_id, delta.try_id) == (self.turn_id, self.try_id)
        return replace(self, text=self.text + delta.text) if same else _begun(delta)


class Story:
    """A session as it was seen so far: its workflows that have not ended, and the reply that is being written."""

    def __init__(self, sequence: int = 0) -> None:
        self.sequence = sequence
        self.views: dict[str, WorkflowView] = {}
        """Workflows by id, in the order in which they began; none whose end was told."""
        self.writing: Writing | None = None
        self.deleted = False
        self._touched: set[str] = set()
        self._asked: set[str] = set()
        self._resumed: set[str] = set()
        """Workflows that have an answer, and have not gone on with it yet."""

    def seed(self, state: GetStateResponse) -> None:
        """Take over a workflow that began before the first event that will be seen."""
        view = view_of(state)
        if not view.ended:
            self.views[view.workflow_id] = view
            self._asked |= set(view.questions)

    def apply(self, event: SessionEvent, branch: BranchProgress | None = None) -> None:
        """Take in the next event, with what its detail says of a branch."""
        self.sequence = event.sequence
        match event.WhichOneof("kind"):
            case "message":
                self._message(event.message)
            case "reply_delta":
                delta = event.reply_delta
                self.writing = _begun(delta) if self.writing is None else self.writing.after(delta)
            case "progress":
                self._progress(event.progress, branch)
            case "deleted":
                self.deleted = True

    @property
    def settled(self) -> bool:
        """Whether all that was started, decided or cancelled here has ended or waits, and that was told."""
        return all(self._rests(self.views[workflow_id]) for workflow_id in self._touched & self.views.keys())

    def _rests(self, view: WorkflowView) -> bool:
        waits = view.status == WorkflowStatus.WORKFLOW_STATUS_WAITING
        return waits and set(view.questions) <= self._asked and view.workflow_id not in self._resumed

    def _message(self, message: Message) -> None:
        if message.role == MessageRole.MESSAGE_ROLE_NOTICE:
            self._notice(message)
        elif message.role == MessageRole.MESSAGE_ROLE_ASSISTANT:
            touched = (one for one in message.reply.workflows if one.kind != TouchKind.TOUCH_KIND_UNSPECIFIED)
            self._touched |= {one.workflow_id for one in touched}
            self.writing = None

    def _notice(self, message: Message) -> None:
        notice = message.notice
        if notice.kind == NoticeKind.NOTICE_KIND_WAITING:
            self._asked.add(notice.interrupt.interrupt_id)
        else:
            # The notice of an end comes with the workflow's last event, right after it.
            self.views.pop(notice.workflow_id, None)

    def _progress(self, event: ProgressEvent, branch: BranchProgress | None) -> None:
        view = self.views.get(event.workflow_id)
        if view is None:
            view = self.views[event.workflow_id] = WorkflowView(event.workflow_id)
        if event.sequence > view.sequence:  # Else the view was read after it.
            view.apply(event, branch)
            change = self._resumed.add if event.HasField("interrupt_decided") else self._resumed.discard
            change(event.workflow_id)


def view_of(state: GetStateResponse) -> WorkflowView:
    """A workflow as it stands, to go on from with its next events."""
    workflow = state.workflow
    view = WorkflowView(workflow.workflow_id)
    view.seed(workflow, state.as_of_sequence)
    view.status, view.fraction, view.headline = workflow.status, workflow.fraction, workflow.headline
    view.questions = {interrupt.interrupt_id: interrupt for interrupt in state.pending_interrupts}
    view.take_over(
        StepView(
            step.step_id,
            step.step,
            step.attempt,
            started_at=step.started_at.seconds + step.started_at.nanos / 1e9,
            fraction=step.fraction or None,
            message=step.message,
        )
        for step in workflow.current_steps
    )
    return view


def _begun(delta: ReplyDelta) -> Writing:
    return Writing(delta.turn_id, delta.try_id, delta.text)
