"""Turns: their order within a session, and what becomes of one that is slow, breaks or takes too long."""

import asyncio

import grpc
import pytest

from stretto.orchestrator.plan import Plan
from stretto.server.domain.change import RunSucceeded
from stretto.server.domain.errors import Draining, Overloaded, StoreUnavailable
from stretto.server.engine import run
from stretto.server.engine.dispatcher import LocalDispatcher
from stretto.server.engine.ledger import StoreLedger
from stretto.server.rpc.desk import HISTORY_MAX
from stretto.session.v1 import session_pb2 as protos
from stretto.testing import ManualClock
from stretto.workflow.v1 import workflow_service_pb2 as workflow_api
from tests.rpc.talking import ByRule, launch, launched, talking, trips

ANSWER = Plan(kind="answer")


@pytest.fixture
def gate() -> asyncio.Event:
    return asyncio.Event()


def holding_up(gate):
    """Understands messages that begin with `slow` only once the gate is open."""

    async def rule(brief):
        if brief.message.startswith("slow"):
            await gate.wait()
        return ANSWER

    return ByRule(rule)


async def said_until(talk, count):
    """The user's messages, once there are so many of them; a message is durable before it is answered."""
    texts = []
    call = talk.watch(allow_missing=True)
    async for response in call:
        if response.event.message.role == protos.MESSAGE_ROLE_USER:
            texts.append(response.event.message.text)
        if len(texts) == count:
            call.cancel()
            return texts
    raise AssertionError(f"only {texts}")


async def test_a_slow_turn_holds_up_its_own_session_in_order_and_no_other(gate):
    async with talking(trips(asyncio.Event()), understanding=holding_up(gate)) as talk:
        texts = ["slow one", "two", "three"]
        waiting = []
        for number, text in enumerate(texts, start=1):
            waiting.append(asyncio.create_task(talk.say(text)))
            assert await said_until(talk, number) == texts[:number]
        for number in range(10):
            reply = await talk.other(f"other {number}").say("hello")
            assert reply.text == "You said: hello"
        assert [message.role for message in await talk.messages()] == [protos.MESSAGE_ROLE_USER] * 3
        gate.set()
        replies = await asyncio.gather(*waiting)
        assert [reply.text for reply in replies] == [f"You said: {text}" for text in texts]
        assert [reply.sequence for reply in replies] == sorted(reply.sequence for reply in replies)


async def test_a_turn_knows_the_replies_before_it_and_not_what_was_said_after_it(gate):
    seen = {}

    async def rule(brief):
        if brief.message == "one":
            await gate.wait()
        seen[brief.message] = [said.text for said in brief.history]
        return ANSWER

    async with talking(trips(asyncio.Event()), understanding=ByRule(rule)) as talk:
        texts, waiting = ["one", "two", "three"], []
        for number, text in enumerate(texts, start=1):
            waiting.append(asyncio.create_task(talk.say(text)))
            await said_until(talk, number)
        gate.set()
        await asyncio.gather(*waiting)
        assert seen == {
            "one": [],
            "two": ["one", "You said: one"],
            "three": ["one", "You said: one", "two", "You said: two"],
        }


async def test_a_turn_knows_what_was_said_before_it_though_very_much_was_said_since(gate):
    seen = {}

    async def rule(brief):
        if brief.message == "0":
            await gate.wait()
        seen[brief.message] = [said.text for said in brief.history]
        return ANSWER

    async with talking(trips(asyncio.Event()), understanding=ByRule(rule)) as talk:
        waiting = [asyncio.create_task(talk.say("0"))]
        await said_until(talk, 1)
        waiting += [asyncio.create_task(talk.say(str(number))) for number in range(1, HISTORY_MAX + 10)]
        texts = await said_until(talk, len(waiting))
        gate.set()
        await asyncio.gather(*waiting)
        first, then, last = texts[:3]
        assert seen[then] == [first, f"You said: {first}"]
        assert seen[last] == [first, f"You said: {first}", then, f"You said: {then}"]


@pytest.mark.parametrize(
    ("fault", "tries"),
    [(ValueError("key 123 is wrong"), 1), (ConnectionError("10.0.0.7 is gone"), 3)],
    ids=["for good", "for a while"],
)
async def test_a_turn_that_breaks_says_so_and_the_next_one_works(fault, tries):
    messages = []

    async def rule(brief):
        messages.append(brief.message)
        if brief.message == "break":
            raise fault
        return ANSWER

    async with talking(trips(asyncio.Event()), understanding=ByRule(rule)) as talk:
        broken = await talk.say("break")
        assert broken.reply.kind == protos.TURN_KIND_FAILED
        assert broken.text == "I could not answer that: something went wrong on my side; please say it again."
        assert broken.reply.text == broken.text
        assert messages == ["break"] * tries
        assert (await talk.say("hello")).text == "You said: hello"
        assert [message.text for message in await talk.messages()] == [
            "break", broken.text, "hello", "You said: hello",
        ]  # fmt: skip


async def test_a_fault_that_passes_is_not_noticed():
    left = [ConnectionError("gone"), ConnectionError("gone")]

    async def rule(_):
        if left:
            raise left.pop()
        return ANSWER

    async with talking(trips(asyncio.Event()), understanding=ByRule(rule)) as talk:
        assert (await talk.say("hello")).reply.kind == protos.TURN_KIND_ANSWER


async def test_a_turn_past_its_deadline_says_so_and_the_next_one_works():
    given_up, begun = asyncio.Event(), asyncio.Event()

    async def rule(brief):
        if brief.message == "hang":
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                given_up.set()
        return ANSWER

    clock = ManualClock()
    async with talking(trips(asyncio.Event()), understanding=ByRule(rule), clock=clock) as talk:
        hanging = asyncio.create_task(talk.say("hang"))
        await begun.wait()
        clock.advance(29)
        behind = asyncio.create_task(talk.say("hello"))
        await said_until(talk, 2)
        assert not hanging.done()
        clock.advance(2)
        late = await hanging
        assert late.reply.kind == protos.TURN_KIND_FAILED
        assert late.text == "I could not answer that: it took too long; please say it again."
        assert (await behind).text == "You said: hello"
        await given_up.wait()


async def test_a_turn_whose_server_goes_down_is_taken_up_by_the_next_one(gate):
    orders = []

    async def rule(brief):
        orders.append(brief.message)
        if len(orders) == 1:
            await asyncio.Event().wait()
        return launch("trip_booking", city="Lisbon")

    async with talking(trips(gate), understanding=ByRule(rule)) as talk:
        first = asyncio.create_task(talk.say("a trip", request_id="r1"))
        await said_until(talk, 1)
        while not orders:
            await asyncio.sleep(0)
        await talk.world.restart()
        await asyncio.gather(first, return_exceptions=True)
        reply = await talk.say("a trip", request_id="r1")
        assert reply.reply.kind == protos.TURN_KIND_LAUNCH
        assert orders == ["a trip"] * 2
        assert [message.text for message in await talk.messages()] == ["a trip", reply.text]
        assert len((await talk.context()).workflows) == 1


async def test_what_a_turn_launches_outlives_the_server_that_was_about_to_start_it(gate, monkeypatch):
    """The server goes down before the commit that ends the turn, and all news of the turn before it are durable."""
    monkeypatch.setattr(run, "PATIENCE_SECONDS", 0)
    at_the_end, commit = asyncio.Event(), StoreLedger.commit

    async def commit_no_first_end(ledger, news):
        if isinstance(news.end, RunSucceeded) and not at_the_end.is_set():
            at_the_end.set()
            await asyncio.Event().wait()
        await commit(ledger, news)

    async def rule(_):
        return launch("trip_booking", city="Lisbon")

    monkeypatch.setattr(StoreLedger, "commit", commit_no_first_end)
    async with talking(trips(gate), understanding=ByRule(rule)) as talk:
        first = asyncio.create_task(talk.say("a trip", request_id="r1"))
        await at_the_end.wait()
        await talk.world.restart()
        await asyncio.gather(first, return_exceptions=True)
        reply = await talk.say("a trip", request_id="r1")
        [known] = (await talk.context()).workflows
        assert launched(reply) == known.workflow_id


@pytest.mark.parametrize("refusal", [Draining, StoreUnavailable])
async def test_a_turn_that_was_admitted_launches_though_nothing_new_is_admitted(gate, monkeypatch, refusal):
    admitted = []

    def admit_one(_):
        if admitted:
            raise refusal
        admitted.append("the message")

    async def rule(_):
        return launch("trip_booking", city="Lisbon")

    monkeypatch.setattr(LocalDispatcher, "admit", admit_one)
    async with talking(trips(gate), understanding=ByRule(rule)) as talk:
        assert launched(await talk.say("a trip"))


async def test_a_launch_into_a_full_queue_is_refused_in_words(gate, monkeypatch):
    def check(_, *, turn=False):
        if not turn:
            raise Overloaded("7 workflows are waiting already.")

    async def rule(_):
        return launch("trip_booking", city="Lisbon")

    monkeypatch.setattr(LocalDispatcher, "check_queue", check)
    async with talking(trips(gate), understanding=ByRule(rule)) as talk:
        reply = await talk.say("a trip")
        assert reply.reply.kind == protos.TURN_KIND_ASK_BACK
        assert reply.text == "I could not start trip booking: 7 workflows are waiting already."


async def test_what_a_turn_launches_while_its_session_is_deleted_is_cancelled_too(gate):
    """The deletion cancels what it finds; a turn that is under way then launches one more, which would run on."""
    begun, never = asyncio.Event(), asyncio.Event()

    async def rule(_):
        begun.set()
        await gate.wait()
        return launch("trip_booking", city="Lisbon")

    async with talking(trips(never), understanding=ByRule(rule)) as talk:
        found = await talk.start("trip_booking", {"city": "Rome"})
        saying = asyncio.create_task(talk.say("a trip"))
        await begun.wait()
        deleting = asyncio.create_task(talk.delete(cancel_workflows=True))
        await talk.noticed(found, protos.NOTICE_KIND_CANCELLED)
        gate.set()
        launched(await saying)
        await deleting
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await talk.context()
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("verb", ["Retry", "Fork"])
async def test_only_a_message_starts_a_turn(gate, verb):
    """A turn that is taken up at its end again would say once more that it has started what it did not."""

    async def rule(brief):
        if brief.message == "break":
            raise ValueError("no")
        return launch("trip_booking", city="Lisbon")

    async with talking(trips(gate), understanding=ByRule(rule)) as talk:
        turn = await talk.say("break" if verb == "Retry" else "a trip")
        request = getattr(workflow_api, f"{verb}WorkflowRequest")(workflow_id=turn.turn_id)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await getattr(talk.workflows, f"{verb}Workflow")(request)
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND
        assert "stretto.orchestrator" in (refused.value.details() or "")
