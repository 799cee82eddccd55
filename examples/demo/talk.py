"""The second act: a user talks to the workflows that ship with Stretto. Nothing in it is pretended."""

import asyncio
from pathlib import Path
from typing import Final

from benchmarks._processes import Service, free_address, stretto_argv
from examples.demo.listener import Listener
from examples.demo.moments import EXERCISE, FINANCE, ONBOARDING, Conversation, Moment
from examples.demo.story import in_common
from stretto.cli._output import Output
from stretto.client import Client, Session
from stretto.exercise.v1.exercise_plan_pb2 import ExercisePlan
from stretto.session.v1.session_pb2 import NoticeKind, TurnKind
from stretto.workflow.v1.workflow_pb2 import WorkflowStatus

PACE: Final = 0.9
"""At this pace a training plan takes about four seconds."""

ASKED_AT: Final = 1.0
"""When the user asks how far the plan is."""

PATIENCE_SECONDS: Final = 0.8
"""How long the user watches two workflows before asking how they are."""


class Talk:
    """One conversation, on a server and a store of its own."""

    def __init__(self, out: Output, folder: Path) -> None:
        self._out = out
        self._address = free_address()
        argv = stretto_argv(self._address, folder / "talk.db", "stretto.workflows:app")
        self._server = Service([*argv, "--pace", str(PACE)], self._address, folder / "talk.log")
        self._told = Conversation()

    async def perform(self) -> Conversation:
        """Talk until all is done."""
        try:
            await self._server.ready()
            async with Client(self._address) as client:
                self._out.show("Now in plain words: one session with the workflows that ship with Stretto.", "")
                session = client.session()
                listener = Listener(session, self._out)
                async with asyncio.TaskGroup() as group:
                    listening = group.create_task(listener.listen())
                    await self._plan_a_training(session, listener)
                    await self._do_two_things_at_once(session, listener)
                    await self._end(client, session, listener)
                    listening.cancel()
            return self._told
        finally:
            # Its store is thrown away: there is nothing to drain, least of all after Ctrl-C.
            self._server.kill()

    async def _plan_a_training(self, session: Session, listener: Listener) -> None:
        """A request and its reply, a question meanwhile, an approval, the end."""
        listener.start()
        self._note("you ask for a workout plan", 0.0)
        await _say(session, "Make me a workout plan to get stronger, three days a week.", TurnKind.TURN_KIND_LAUNCH)
        self._note("you are told that it is started", listener.seconds, 0.1)
        began = await listener.until(lambda event: event.progress.HasField("step_started"))
        self._note("the workflow analyses your requirements", began, 0.2)
        await asyncio.sleep(ASKED_AT - listener.seconds)
        self._note("you ask how far it is", listener.seconds)
        self._told.context_ms = await _say(session, "How far is my plan?", TurnKind.TURN_KIND_ANSWER)
        self._note("you are answered out of the live context", listener.seconds, 1.05)
        asked = await listener.noticed(NoticeKind.NOTICE_KIND_WAITING, EXERCISE)
        self._note("the workflow asks for your approval", asked)
        await _say(session, "That looks good, I approve it.", TurnKind.TURN_KIND_DECIDE)
        self._note("you have approved it in the conversation", listener.seconds)
        ended = await listener.noticed(NoticeKind.NOTICE_KIND_SUCCEEDED, EXERCISE)
        self._note("the workflow completes, and you are told", ended, 4.5)
        self._told.scene = tuple(listener.shown)

    async def _do_two_things_at_once(self, session: Session, listener: Listener) -> None:
        """Two workflows side by side: one is cancelled, the other one goes on to its end."""
        hire = "Onboard Ana Lopez as backend engineer, starting on 2027-01-11."
        statement = "Review my spending: 2026-10-03 Groceries 54.20; 2026-10-05 Rent 950.00; 2026-10-09 Pizza 24.00"
        await _say(session, hire, TurnKind.TURN_KIND_LAUNCH)
        await _say(session, statement, TurnKind.TURN_KIND_LAUNCH)
        await asyncio.sleep(PATIENCE_SECONDS)
        await _say(session, "How is everything going?", TurnKind.TURN_KIND_ANSWER)
        await _say(session, "Cancel the onboarding, please.", TurnKind.TURN_KIND_CANCEL)
        await listener.noticed(NoticeKind.NOTICE_KIND_CANCELLED, ONBOARDING)
        await listener.noticed(NoticeKind.NOTICE_KIND_WAITING, FINANCE)
        await _say(session, "Yes, I approve the finance review.", TurnKind.TURN_KIND_DECIDE)
        await listener.noticed(NoticeKind.NOTICE_KIND_SUCCEEDED, FINANCE)

    async def _end(self, client: Client, session: Session, listener: Listener) -> None:
        """Read how all ended, and compare what was seen with the journal."""
        async for workflow in client.workflows(session_id=session.id):
            status = WorkflowStatus.Name(workflow.status)
            self._told.ends[workflow.workflow_type] = status.removeprefix("WORKFLOW_STATUS_")
            if workflow.workflow_type == EXERCISE:
                self._told.plan = await client.handle(workflow.workflow_id).result(ExercisePlan)
        last = (await session.get()).last_sequence
        await listener.until(lambda event: event.sequence >= last)
        journal = await self._journal(session.id, last)
        same = in_common(listener.seen, journal)
        self._told.messages, self._told.events = listener.messages, len(journal)
        self._told.missed, self._told.surplus = len(journal) - same, len(listener.seen) - same

    async def _journal(self, session_id: str, last: int) -> list[bytes]:
        """The session's journal, as somebody reads it who has seen nothing yet."""
        read: list[bytes] = []
        async with Client(self._address) as other, other.session(session_id).watch() as watch:
            async for event in watch:
                read.append(event.SerializeToString(deterministic=True))
                if event.sequence >= last:
                    break
        return read

    def _note(self, what: str, seconds: float, target: float | None = None) -> None:
        self._told.moments.append(Moment(what, seconds, target))


async def _say(session: Session, text: str, kind: "TurnKind.ValueType") -> int:
    """Say something that must be understood in a certain way; how many milliseconds old the reply's context is."""
    said = await session.send(text)
    if said.reply.kind != kind:
        raise RuntimeError(f"{text!r} was taken for {TurnKind.Name(said.reply.kind)}: {said.text}")
    return max((reading.age_ms for reading in said.reply.context), default=0)
