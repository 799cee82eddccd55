"""SessionService over a real channel: what each call promises."""

import asyncio

import grpc
import pytest

from stretto.session.v1 import session_pb2 as protos
from stretto.session.v1 import session_service_pb2 as api
from stretto.workflow.v1 import workflow_pb2
from stretto.workflow.v1 import workflow_service_pb2 as workflow_api
from tests.rpc.conftest import refusal_of
from tests.rpc.talking import Talk, talking, trips


@pytest.fixture
def gate() -> asyncio.Event:
    return asyncio.Event()


async def test_a_message_launches_a_workflow_and_is_answered_before_it_has_done_anything(gate):
    async with talking(trips(gate)) as talk:
        reply = await talk.say("Book me a trip to Lisbon, please")
        assert reply.role == protos.MESSAGE_ROLE_ASSISTANT
        assert reply.reply.kind == protos.TURN_KIND_LAUNCH
        assert reply.reply.source == protos.UNDERSTANDING_SOURCE_OFFLINE
        assert [touched.workflow_type for touched in reply.reply.workflows] == ["trip_booking"]
        assert reply.reply.workflows[0].kind == protos.TOUCH_KIND_LAUNCHED
        assert reply.text
        workflow_id = reply.reply.workflows[0].workflow_id
        state = await talk.workflows.GetState(workflow_api.GetStateRequest(workflow_id=workflow_id))
        assert state.workflow.session_id == "s1"
        gate.set()
        notice = (await talk.until("notice")).message
        assert notice.notice.kind == protos.NOTICE_KIND_WAITING
        assert notice.notice.workflow_id == workflow_id
        assert "Book one of 7 hotels?" in notice.text


async def test_a_question_is_answered_from_how_the_workflow_is_now(gate):
    async with talking(trips(gate)) as talk:
        await talk.say("Book me a trip to Lisbon")
        await talk.until("step_progress")
        reply = await talk.say("How is my trip going?")
        assert reply.reply.kind == protos.TURN_KIND_ANSWER
        assert "20" in reply.text
        reading = reply.reply.context[0]
        assert reading.as_of_sequence >= 3
        assert reading.age_ms < 5_000


async def test_a_decision_in_words_lands_on_the_open_question(gate):
    gate.set()
    async with talking(trips(gate)) as talk:
        await talk.say("Book me a trip to Lisbon")
        asked = await talk.until("notice")
        reply = await talk.say("Yes, approve it")
        assert reply.reply.kind == protos.TURN_KIND_DECIDE
        assert reply.reply.workflows[0].interrupt_id == asked.message.notice.interrupt.interrupt_id
        ended = await talk.until("notice", after=asked.sequence)
        assert ended.message.notice.kind == protos.NOTICE_KIND_SUCCEEDED
        assert "Booked" in ended.message.text


async def test_a_cancel_in_words_ends_the_workflow(gate):
    async with talking(trips(gate)) as talk:
        await talk.say("Book me a trip to Lisbon")
        await talk.until("step_progress")
        reply = await talk.say("Cancel the trip")
        assert reply.reply.kind == protos.TURN_KIND_CANCEL
        ended = await talk.until("notice")
        assert ended.message.notice.kind == protos.NOTICE_KIND_CANCELLED


async def test_a_repeated_message_gets_the_first_ones_reply(gate):
    async with talking(trips(gate)) as talk:
        first = await talk.say("Book me a trip to Lisbon", request_id="r1")
        again = await talk.say("Book me a trip to Lisbon", request_id="r1")
        assert again == first
        assert len(await talk.messages()) == 2
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await talk.say("Book me a trip to Rome", request_id="r1")
        assert refusal_of(refused.value).reason == "REQUEST_ID_REUSED"


async def test_a_session_without_a_name_gets_one_that_a_repetition_finds(gate):
    async with talking(trips(gate)) as talk:
        one = await talk.api.SendMessage(api.SendMessageRequest(text="hello", request_id="r1"))
        again = await talk.api.SendMessage(api.SendMessageRequest(text="hello", request_id="r1"))
        other = await talk.api.SendMessage(api.SendMessageRequest(text="hello"))
        assert one.session_id.startswith("ses_")
        assert again.session_id == one.session_id
        assert other.session_id != one.session_id


async def test_messages_of_a_session_are_answered_in_their_order(gate):
    async with talking(trips(gate)) as talk:
        texts = [f"hello number {number}" for number in range(8)]
        await asyncio.gather(*(talk.say(text) for text in texts))
        messages = await talk.messages()
        said = [message for message in messages if message.role == protos.MESSAGE_ROLE_USER]
        replied = [message for message in messages if message.role == protos.MESSAGE_ROLE_ASSISTANT]
        assert sorted(message.text for message in said) == texts
        assert [message.turn_id for message in said] == [message.turn_id for message in replied]


async def test_the_context_tells_how_each_workflow_is(gate):
    async with talking(trips(gate)) as talk:
        await talk.say("Book me a trip to Lisbon")
        await talk.until("step_progress")
        response = await talk.api.GetSessionContext(api.GetSessionContextRequest(session_id="s1"))
        [workflow] = response.workflows
        assert workflow.status == workflow_pb2.WORKFLOW_STATUS_RUNNING
        assert list(workflow.phases) == ["looking_for_hotels"]
        assert workflow.headline == "Looking for hotels in Lisbon"
        assert workflow.facts["city"] == "Lisbon"
        assert response.as_of_sequence == response.session.last_sequence
        assert 0 < response.token_count <= 2_000


async def test_the_context_keeps_to_its_budget(gate):
    async with talking(trips(gate)) as talk:
        for number in range(12):
            await talk.workflows.StartWorkflow(
                workflow_api.StartWorkflowRequest(
                    workflow_type="trip_booking", session_id="s1", labels={"n": str(number)}
                )
            )
        whole = await talk.api.GetSessionContext(api.GetSessionContextRequest(session_id="s1", token_budget=32_000))
        small = await talk.api.GetSessionContext(api.GetSessionContextRequest(session_id="s1", token_budget=200))
        assert len(whole.workflows) == 12
        assert whole.left_out_count == 0
        assert small.token_count <= 200
        assert len(small.workflows) + small.left_out_count == 12
        assert small.left_out_count > 0


async def test_a_session_that_is_deleted_is_gone_and_its_name_is_not_free(gate):
    async with talking(trips(gate)) as talk:
        await talk.say("Book me a trip to Lisbon")
        watch = aiter(talk.api.WatchSession(api.WatchSessionRequest(session_id="s1")))
        assert (await anext(watch)).event.sequence == 1
        with pytest.raises(grpc.aio.AioRpcError) as busy:
            await talk.api.DeleteSession(api.DeleteSessionRequest(session_id="s1"))
        assert refusal_of(busy.value).reason == "SESSION_BUSY"
        await talk.api.DeleteSession(api.DeleteSessionRequest(session_id="s1", cancel_workflows=True))
        events = [response.event.WhichOneof("kind") async for response in watch]
        assert events[-1] == "deleted"
        with pytest.raises(grpc.aio.AioRpcError) as gone:
            await talk.api.GetSession(api.GetSessionRequest(session_id="s1"))
        assert refusal_of(gone.value).reason == "SESSION_NOT_FOUND"
        with pytest.raises(grpc.aio.AioRpcError) as deleted:
            await talk.say("hello")
        assert refusal_of(deleted.value).reason == "SESSION_DELETED"
        assert not (await talk.api.ListSessions(api.ListSessionsRequest())).sessions


async def test_sessions_and_messages_come_in_pages(gate):
    async with talking(trips(gate)) as talk:
        for number in range(5):
            await Talk.say(talk, f"hello {number}", session_id=f"page-{number}")
        token, names = "", []
        while True:
            response = await talk.api.ListSessions(api.ListSessionsRequest(page_size=2, page_token=token))
            names += [session.session_id for session in response.sessions]
            token = response.next_page_token
            if not token:
                break
        assert names == [f"page-{number}" for number in reversed(range(5))]
        request = api.ListMessagesRequest(session_id="page-1", page_size=1, newest_first=True)
        newest = await talk.api.ListMessages(request)
        request.page_token = newest.next_page_token
        oldest = await talk.api.ListMessages(request)
        assert newest.messages[0].role == protos.MESSAGE_ROLE_ASSISTANT
        assert oldest.messages[0].text == "hello 1"
        assert not oldest.next_page_token


async def test_turns_are_nobody_elses_to_start_or_see(gate):
    async with talking(trips(gate)) as talk:
        await talk.say("hello")
        listed = await talk.workflows.ListWorkflows(workflow_api.ListWorkflowsRequest())
        assert not listed.workflows
        with pytest.raises(grpc.aio.AioRpcError) as unknown:
            await talk.workflows.StartWorkflow(
                workflow_api.StartWorkflowRequest(workflow_type="stretto.orchestrator", session_id="s1")
            )
        assert refusal_of(unknown.value).reason == "UNKNOWN_WORKFLOW_TYPE"


async def test_a_watch_may_wait_for_its_session(gate):
    async with talking(trips(gate)) as talk:
        with pytest.raises(grpc.aio.AioRpcError) as missing:
            await talk.api.WatchSession(api.WatchSessionRequest(session_id="s1")).read()
        assert refusal_of(missing.value).reason == "SESSION_NOT_FOUND"
        watch = talk.api.WatchSession(api.WatchSessionRequest(session_id="s1", allow_missing=True))
        await watch.initial_metadata()
        await talk.say("hello")
        first = await watch.read()
        assert first.event.message.text == "hello"
        watch.cancel()
