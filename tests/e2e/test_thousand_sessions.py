"""A thousand sessions talk side by side, each with a word of its own: none is lost, doubled or seen elsewhere."""

import asyncio
import re
from itertools import product
from string import ascii_lowercase

import grpc

from stretto.session.v1 import session_pb2 as protos
from stretto.session.v1 import session_service_pb2 as api
from stretto.session.v1.session_service_pb2_grpc import SessionServiceStub
from stretto.workflow.v1 import workflow_service_pb2 as workflow_api
from stretto.workflow.v1.workflow_service_pb2_grpc import WorkflowServiceStub
from tests.e2e.conversations import EFFECTS
from tests.rpc.talking import packed

APPS = ("tests.e2e.conversations:app", "stretto.workflows:app")
SESSIONS = 1_000
CHANNELS = 8
HANG_SECONDS = 300.0
CANARY = re.compile(rb"[Qq]uox[a-z]{3}")
CANARIES = [f"Quox{''.join(letters)}" for letters in product(ascii_lowercase, repeat=3)]

BY_CHAT = {
    "hr_onboarding": "Onboard {} Lopez as backend engineer, starting on 2026-12-07.",
    "finance_review": "Review my spending: 2026-10-03 {} 54.20; 2026-10-05 Rent 950.00; 2026-10-09 Restaurant 38.50",
    "trip_booking": "Book me a trip to {}",
}
"""Types that a message launches, with the session's word in their input."""

BY_RPC = ("map_reading", "trip_booking")
"""Types that are started beside the message, which asks about them."""

ENDS = {
    "hr_onboarding": protos.NOTICE_KIND_WAITING,
    "finance_review": protos.NOTICE_KIND_WAITING,
    "trip_booking": protos.NOTICE_KIND_WAITING,
    "map_reading": protos.NOTICE_KIND_FAILED,
}
KINDS = [(name, "chat") for name in BY_CHAT] + [(name, "rpc") for name in BY_RPC]


class Talker:
    """One session: it is watched from before its first word until its workflow has ended or waits."""

    def __init__(self, number, channel):
        self.session_id = f"session-{number}"
        self.canary = CANARIES[number * 17]
        self.workflow_type, self.way = KINDS[number % len(KINDS)]
        self.events = []
        self._sessions, self._workflows = SessionServiceStub(channel), WorkflowServiceStub(channel)

    async def run(self):
        request = api.WatchSessionRequest(session_id=self.session_id, allow_missing=True, batch_size_max=1_000)
        watch = self._sessions.WatchSession(request, timeout=HANG_SECONDS)
        if self.way == "rpc":
            await self._start()
        text = BY_CHAT[self.workflow_type] if self.way == "chat" else "How is it going with {}?"
        said = api.SendMessageRequest(session_id=self.session_id, text=text.format(self.canary))
        replying = asyncio.ensure_future(self._sessions.SendMessage(said, timeout=HANG_SECONDS))
        while not self.is_over:
            self._take(await watch.read())
        watch.cancel()
        self.reply = (await replying).message

    async def _start(self):
        given = packed({"city": self.canary})
        await self._workflows.StartWorkflow(
            workflow_api.StartWorkflowRequest(
                workflow_type=self.workflow_type, session_id=self.session_id, input=given
            ),
            timeout=HANG_SECONDS,
        )

    def _take(self, response):
        if response.HasField("event"):
            self.events.append(response.event)
        self.events += response.batch.events

    @property
    def is_over(self):
        return {protos.MESSAGE_ROLE_ASSISTANT, protos.MESSAGE_ROLE_NOTICE} <= {message.role for message in self.said}

    @property
    def said(self):
        return [event.message for event in self.events if event.HasField("message")]

    async def read_anew(self):
        session = (await self._sessions.GetSession(api.GetSessionRequest(session_id=self.session_id))).session
        seen, self.events = self.events, []
        watch = self._sessions.WatchSession(
            api.WatchSessionRequest(session_id=self.session_id, batch_size_max=1_000), timeout=HANG_SECONDS
        )
        while len(self.events) < session.last_sequence:
            self._take(await watch.read())
        watch.cancel()
        assert self.events[: len(seen)] == seen


def assert_whole(talker):
    """The session's journal and that of its workflow have no gap, and each message has one reply."""
    assert [event.sequence for event in talker.events] == list(range(1, len(talker.events) + 1))
    assert {event.session_id for event in talker.events} == {talker.session_id}
    progress = [event.progress for event in talker.events if event.HasField("progress")]
    assert [event.sequence for event in progress] == list(range(1, len(progress) + 1))
    assert {event.workflow_id for event in progress} == {_noticed(talker)}
    assert progress[0].accepted.workflow_type == talker.workflow_type
    user, assistant, notice = protos.MESSAGE_ROLE_USER, protos.MESSAGE_ROLE_ASSISTANT, protos.MESSAGE_ROLE_NOTICE
    assert sorted(message.role for message in talker.said) == [user, assistant, notice]
    asked, replied = (next(each for each in talker.said if each.role == role) for role in (user, assistant))
    assert asked.turn_id == replied.turn_id
    assert replied == talker.reply
    wanted = protos.TURN_KIND_LAUNCH if talker.way == "chat" else protos.TURN_KIND_ANSWER
    assert replied.reply.kind == wanted, replied.text
    assert [each.notice.kind for each in talker.said if each.role == notice] == [ENDS[talker.workflow_type]]


def _noticed(talker):
    return next(message.notice.workflow_id for message in talker.said if message.notice.workflow_id)


def assert_apart(talker):
    """Nothing of the session has another one's word, and both its message and its workflow have its own."""
    for event in talker.events:
        assert {word.decode().lower() for word in CANARY.findall(event.SerializeToString())} <= {talker.canary.lower()}
    told = [event.SerializeToString() for event in talker.events if event.HasField("progress")]
    assert any(talker.canary.encode() in event for event in told)
    assert any(talker.canary in message.text for message in talker.said if message.role == protos.MESSAGE_ROLE_USER)


async def test_a_thousand_sessions_side_by_side(serving, monkeypatch):
    monkeypatch.setenv(EFFECTS, str(serving.folder))
    await serving.up("--turn-seconds-max", "300", APPS[1], app=APPS[0])
    # Each its own connection: channels with the same arguments would share one.
    channels = [
        grpc.aio.insecure_channel(serving.address, options=[("grpc.use_local_subchannel_pool", 1)])
        for _ in range(CHANNELS)
    ]
    talkers = [Talker(number, channels[number % CHANNELS]) for number in range(SESSIONS)]
    async with asyncio.timeout(HANG_SECONDS):
        await asyncio.gather(*(talker.run() for talker in talkers))
        await asyncio.gather(*(talker.read_anew() for talker in talkers))
    for channel in channels:
        await channel.close()
    for talker in talkers:
        assert_whole(talker)
        assert_apart(talker)
    assert len({_noticed(talker) for talker in talkers}) == SESSIONS
    assert len({talker.canary for talker in talkers}) == SESSIONS
