"""The client: a server or several, their workflows, sessions and catalog."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, overload

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message

from stretto.catalog.v1.workflow_type_pb2 import WorkflowType
from stretto.client import _channel
from stretto.client._async._calls import Calls
from stretto.client._async._catalog import Catalog
from stretto.client._async._connections import Connections
from stretto.client._async._handle import WorkflowHandle
from stretto.client._async._io import Connection
from stretto.client._async._session import Session
from stretto.client._payloads import Payload
from stretto.client._requests import Moment, list_request, new_request_id, start_request
from stretto.client._sessions import SessionRow, new_session_id, sessions_request
from stretto.client.errors import InvalidInput
from stretto.operations.v1.member_pb2 import Member
from stretto.operations.v1.operations_service_pb2 import (
    DiagnoseRequest,
    DiagnoseResponse,
    DrainMemberRequest,
    ListMembersRequest,
)
from stretto.workflow.v1.workflow_pb2 import Workflow, WorkflowStatus
from stretto.workflow.v1.workflow_service_pb2 import StartWorkflowRequest

M = TypeVar("M", bound=Message)

TIMEOUT_SECONDS = 10.0
MESSAGE_BYTES_MAX = 4 * 1024 * 1024
KEEPALIVE_SECONDS = 10.0
COMMITS_SECONDS_MAX = 15.0
"""How long the server may take to time commits."""

SILENCE_SECONDS_MAX = 20.0
"""The server is never silent for more than 15 seconds."""


class Client:
    """One Stretto server, or several that share a store. It connects at the first call and may be shared by all that
    an application does.
    """

    def __init__(
        self,
        target: str | Sequence[str] = "127.0.0.1:50051",
        *,
        tls: bool = False,
        credentials: grpc.ChannelCredentials | None = None,
        metadata: Sequence[tuple[str, str | bytes]] = (),
        timeout: float = TIMEOUT_SECONDS,
        retry: bool = True,
        message_bytes_max: int = MESSAGE_BYTES_MAX,
        keepalive_seconds: float = KEEPALIVE_SECONDS,
        silence_seconds_max: float = SILENCE_SECONDS_MAX,
        options: _channel.Options = (),
    ) -> None:
        """Make a client; nothing is connected yet.

        Args:
            target: Address of the server, or any target that gRPC knows, such as `dns:///stretto:50051`. Several are a
                list, or a text with commas: calls and watches go to each in turn, leave out those that are away or
                say NOT_SERVING, and go on at another one when one fails.
            tls: Whether to use TLS with the certificates that the system trusts.
            credentials: TLS with certificates of your own; `tls` need not be said then.
            metadata: Sent along with every call, such as an authorization.
            timeout: Seconds that a call may take, all repeats included. Watching has no such limit.
            retry: Whether a call is repeated while the server cannot be reached. The request id, which each call
                has, makes that safe. A watch goes on after breaks in any case. Without it there is one
                try for each server.
            message_bytes_max: Largest message to send or to take.
            keepalive_seconds: Silence on a connection with open calls after which it is pinged; the server allows
                5 and more.
            silence_seconds_max: Silence of a watch after which a new connection is made.
            options: Further arguments of gRPC's core; they win over the client's own.
        """
        if tls and credentials is None:
            credentials = grpc.ssl_channel_credentials()
        servers = _channel.addresses(target)
        arguments = _channel.options(
            message_bytes_max=message_bytes_max,
            keepalive_seconds=keepalive_seconds,
            retry=retry,
            several=len(servers) > 1,
            more=options,
        )
        self.target = ", ".join(servers)
        self._calls = Calls(
            Connections([Connection(server, credentials, arguments) for server in servers]),
            target=self.target,
            metadata=metadata,
            timeout=timeout,
            retry=retry,
            silence_seconds_max=silence_seconds_max,
        )
        self._catalog = Catalog(self._calls)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections. Whoever still waits for an answer gets ClientClosed."""
        await self._calls.connections.close()

    @overload
    async def start(
        self,
        workflow_type: str,
        payload: Payload = None,
        *,
        result: type[M],
        request_id: str | None = None,
        session_id: str = "",
        labels: Mapping[str, str] | None = None,
        deadline: Moment = None,
        timeout: float | None = None,
    ) -> WorkflowHandle[M]: ...
    @overload
    async def start(
        self,
        workflow_type: str,
        payload: Payload = None,
        *,
        result: None = None,
        request_id: str | None = None,
        session_id: str = "",
        labels: Mapping[str, str] | None = None,
        deadline: Moment = None,
        timeout: float | None = None,
    ) -> WorkflowHandle[Any]: ...
    async def start(
        self,
        workflow_type: str,
        payload: Payload = None,
        *,
        result: type[Message] | None = None,
        request_id: str | None = None,
        session_id: str = "",
        labels: Mapping[str, str] | None = None,
        deadline: Moment = None,
        timeout: float | None = None,
    ) -> WorkflowHandle[Any]:
        """Start a workflow. Once this returns it is durable, and will run whatever happens.

        Args:
            workflow_type: Name of a registered workflow type.
            payload: Its input: a message of the contract, or plain values.
            result: Message class of the result, for `handle.result()`.
            request_id: The same id with the same input never starts two. Made when left out, which covers repeats
                of this very call; give your own to be safe over restarts of your program too.
            session_id: Session that it belongs to.
            labels: Labels for finding it again.
            deadline: When it times out if it has not ended: a point in time, or how far it is from now.
            timeout: Seconds to wait for the answer, the contract's included; the client's own when left out.
        """
        until = self._calls.until(timeout)
        request = start_request(
            workflow_type,
            await self._catalog.input(payload, workflow_type, until),
            request_id=request_id or new_request_id(),
            session_id=session_id,
            labels=labels,
            deadline=deadline,
        )
        try:
            workflow = await self._start(request, until.left())
        except InvalidInput as refused:
            request.input.CopyFrom(await self._catalog.repacked(payload, refused, workflow_type, until))
            workflow = await self._start(request, until.left())
        return WorkflowHandle(self._calls, self._catalog, workflow.workflow_id, result_type=result, workflow=workflow)

    @overload
    def handle(self, workflow_id: str, *, result: type[M]) -> WorkflowHandle[M]: ...
    @overload
    def handle(self, workflow_id: str, *, result: None = None) -> WorkflowHandle[Any]: ...
    def handle(self, workflow_id: str, *, result: type[Message] | None = None) -> WorkflowHandle[Any]:
        """A workflow that was started before, by whomever.

        Args:
            workflow_id: Its id.
            result: Message class of the result, for `handle.result()`.
        """
        return WorkflowHandle(self._calls, self._catalog, workflow_id, result_type=result)

    async def workflows(
        self,
        *,
        types: Iterable[str] = (),
        statuses: "Iterable[str | WorkflowStatus.ValueType]" = (),
        session_id: str = "",
        labels: Mapping[str, str] | None = None,
        created_after: Moment = None,
        created_before: Moment = None,
        page_size: int = 0,
        timeout: float | None = None,
    ) -> AsyncIterator[Workflow]:
        """All workflows that fit, newest first, page after page.

        Args:
            types: Workflow types, any of them.
            statuses: Such as `"RUNNING"`, any of them.
            session_id: Session.
            labels: Labels, all of them.
            created_after: Created at this time or later; a timedelta counts from now, so it is a negative one.
            created_before: Created before this time.
            page_size: How many to ask for at once.
            timeout: Seconds to wait for each page; the client's own when left out.
        """
        request = list_request(
            types=types,
            statuses=statuses,
            session_id=session_id,
            labels=labels,
            created_after=created_after,
            created_before=created_before,
            page_size=page_size,
        )
        while True:
            page = await self._calls.unary(lambda stubs: stubs.workflows.ListWorkflows, request, timeout)
            for workflow in page.workflows:
                yield workflow
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def session(self, session_id: str = "") -> Session:
        """A session: a new one, or one that there is.

        Args:
            session_id: Its id; made when left out.
        """
        return Session(self._calls, session_id or new_session_id())

    async def sessions(
        self,
        *,
        active_only: bool = False,
        created_after: Moment = None,
        created_before: Moment = None,
        page_size: int = 0,
        timeout: float | None = None,
    ) -> AsyncIterator[SessionRow]:
        """All sessions that fit, newest first, page after page.

        Args:
            active_only: Only those with workflows that have not ended.
            created_after: Created at this time or later; a timedelta counts from now, so it is a negative one.
            created_before: Created before this time.
            page_size: How many to ask for at once.
            timeout: Seconds to wait for each page; the client's own when left out.
        """
        request = sessions_request(
            active_only=active_only, created_after=created_after, created_before=created_before, page_size=page_size
        )
        while True:
            page = await self._calls.unary(lambda stubs: stubs.sessions.ListSessions, request, timeout)
            for session in page.sessions:
                yield session
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def types(self, *, page_size: int = 0, timeout: float | None = None) -> AsyncIterator[WorkflowType]:
        """All workflow types that can be started, by name.

        Args:
            page_size: How many to ask for at once.
            timeout: Seconds to wait for each page; the client's own when left out.
        """
        async for workflow_type in self._catalog.types(page_size, timeout):
            yield workflow_type

    async def describe(self, workflow_type: str, *, timeout: float | None = None) -> WorkflowType:
        """One workflow type, whole: contract with descriptors, drawing, policies and examples.

        Args:
            workflow_type: Its name.
            timeout: Seconds to wait for the answer; the client's own when left out.
        """
        return await self._catalog.describe(workflow_type, timeout)

    async def decode(self, payload: any_pb2.Any, *, workflow_type: str = "", timeout: float | None = None) -> Any:
        """What an Any holds, such as a progress detail: a message, or plain values for a Struct.

        Args:
            payload: The Any.
            workflow_type: Whose contract has the message; left out, all types are searched for one that is not known.
            timeout: Seconds to wait for the contract, where it must be asked for; the client's own when left out.
        """
        return await self._catalog.decode(payload, None, workflow_type, self._calls.until(timeout))

    async def diagnose(self, *, commits: int = 0, timeout: float | None = None) -> DiagnoseResponse:
        """How the server is: version, store, executors, load; also while its store is down.

        Args:
            commits: How many durable commits to make and time, at most 100.
            timeout: Seconds to wait for the answer; the client's own when left out, and the time for the commits.
        """
        if commits and timeout is None:
            timeout = self._calls.timeout + COMMITS_SECONDS_MAX
        request = DiagnoseRequest(commits=commits)
        return await self._calls.unary(lambda stubs: stubs.operations.Diagnose, request, timeout)

    async def members(self, *, page_size: int = 0, timeout: float | None = None) -> AsyncIterator[Member]:
        """The servers and workers that share the store, by id; the server itself where it has its store to itself.

        Args:
            page_size: How many to ask for at once.
            timeout: Seconds to wait for each page; the client's own when left out.
        """
        request = ListMembersRequest(page_size=page_size)
        while True:
            page = await self._calls.unary(lambda stubs: stubs.operations.ListMembers, request, timeout)
            for member in page.members:
                yield member
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def drain(self, member_id: str = "", *, timeout: float | None = None) -> Member:
        """Ask a member to drain, as SIGTERM does: it takes nothing more, lets running steps finish, and ends.

        This returns as soon as the member will hear of it; it is gone once `members` lists it no more.

        Args:
            member_id: Its id; left out, the server that answers.
            timeout: Seconds to wait for the answer; the client's own when left out.
        """
        until = self._calls.until(timeout)
        # By its id, so that a repeat never drains another server that answers in its place.
        member_id = member_id or (await self.diagnose(timeout=until.left())).diagnosis.sharing.member_id
        request = DrainMemberRequest(member_id=member_id)
        return (await self._calls.unary(lambda stubs: stubs.operations.DrainMember, request, until.left())).member

    async def _start(self, request: StartWorkflowRequest, timeout: float | None) -> Workflow:
        return (await self._calls.unary(lambda stubs: stubs.workflows.StartWorkflow, request, timeout)).workflow
