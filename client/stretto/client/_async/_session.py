"""One session, as a caller holds it."""

from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING

from stretto.client._async._calls import Calls
from stretto.client._async._watch import OnBreak, SessionWatch
from stretto.client._follow import SessionCursor
from stretto.client._sessions import SessionContext, SessionRow, send_request, watch_request
from stretto.session.v1.session_pb2 import Message
from stretto.session.v1.session_service_pb2 import (
    DeleteSessionRequest,
    GetSessionContextRequest,
    GetSessionRequest,
    ListMessagesRequest,
)

if TYPE_CHECKING:
    from stretto.session.v1.session_event_pb2 import SessionEventKind

REPLY_SECONDS_MAX = 60.0
"""A language model may take half a minute for a reply, and an earlier message of the session as long before it."""

CANCEL_SECONDS_MAX = 20.0
"""How long workflows may take to stop before their session is deleted."""


class Session:
    """One session. Making one costs nothing; it comes to be with its first message, or its first workflow."""

    def __init__(self, calls: Calls, session_id: str) -> None:
        self.id = session_id
        self._calls = calls

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"

    async def send(self, text: str, *, request_id: str | None = None, timeout: float | None = None) -> Message:
        """Say something and give the reply. Workflows that it launches are not waited for.

        Args:
            text: What to say, up to 16,384 characters.
            request_id: The same id with the same text is said once, and has the first one's reply. Made when left out,
                which covers repeats of this very call; give your own to be safe over restarts of your program too.
            timeout: Seconds to wait for the reply; the client's own when left out, but at least 60.
        """
        seconds = max(self._calls.timeout, REPLY_SECONDS_MAX) if timeout is None else timeout
        request = send_request(self.id, text, request_id)
        return (await self._calls.unary(lambda stubs: stubs.sessions.SendMessage, request, seconds)).message

    def watch(
        self,
        after: int = 0,
        *,
        kinds: "Iterable[str | SessionEventKind.ValueType]" = (),
        workflow_ids: Iterable[str] = (),
        allow_missing: bool = False,
        on_break: OnBreak | None = None,
    ) -> SessionWatch:
        """The events after a sequence, each once and in order, up to the session's deletion, through every break.

        Args:
            after: Sequence of the last event that is known; 0 for all.
            kinds: Sorts of events such as `"NOTICE"`, any of them; all when left out.
            workflow_ids: Workflows whose events to give, any of them; those of all when left out.
            allow_missing: Whether to wait for the session to come to be, instead of raising NotFound.
            on_break: Is called with the error and the seconds until the next try, whenever the connection broke.
        """
        request = watch_request(
            self.id, after=after, kinds=kinds, workflow_ids=workflow_ids, allow_missing=allow_missing
        )
        return SessionWatch(self._calls, SessionCursor(request), on_break)

    async def get(self, *, timeout: float | None = None) -> SessionRow:
        """Its row: how many messages, workflows and open questions it has.

        Args:
            timeout: Seconds to wait for the answer; the client's own when left out.
        """
        request = GetSessionRequest(session_id=self.id)
        return (await self._calls.unary(lambda stubs: stubs.sessions.GetSession, request, timeout)).session

    async def messages(
        self, *, newest_first: bool = False, page_size: int = 0, timeout: float | None = None
    ) -> AsyncIterator[Message]:
        """All messages, oldest first, page after page.

        Args:
            newest_first: The newest first instead.
            page_size: How many to ask for at once.
            timeout: Seconds to wait for each page; the client's own when left out.
        """
        request = ListMessagesRequest(session_id=self.id, newest_first=newest_first, page_size=page_size)
        while True:
            page = await self._calls.unary(lambda stubs: stubs.sessions.ListMessages, request, timeout)
            for message in page.messages:
                yield message
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def context(
        self, *, token_budget: int = 0, ended_max: int | None = None, timeout: float | None = None
    ) -> SessionContext:
        """How all its workflows are at one moment: what the orchestrator reads to answer.

        Args:
            token_budget: Tokens that it may take, 100 to 32,000; 2,000 when left out.
            ended_max: How many workflows that have ended to include, at most 50; 5 when left out.
            timeout: Seconds to wait for the answer; the client's own when left out.
        """
        request = GetSessionContextRequest(session_id=self.id, token_budget=token_budget, ended_max=ended_max)
        return await self._calls.unary(lambda stubs: stubs.sessions.GetSessionContext, request, timeout)

    async def delete(self, *, cancel_workflows: bool = False, timeout: float | None = None) -> None:
        """Delete it, with its messages and its workflows.

        Args:
            cancel_workflows: Cancel what has not ended, and wait for that, instead of raising SessionBusy.
            timeout: Seconds to wait for the answer; the client's own when left out, and the time for workflows to stop.
        """
        if cancel_workflows and timeout is None:
            timeout = self._calls.timeout + CANCEL_SECONDS_MAX
        request = DeleteSessionRequest(session_id=self.id, cancel_workflows=cancel_workflows)
        await self._calls.unary(lambda stubs: stubs.sessions.DeleteSession, request, timeout)
