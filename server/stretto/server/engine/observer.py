"""Sees steps and models' text through LangChain's callbacks, which reach every node, task and subgraph."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Protocol
from uuid import UUID

from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import BaseMessage
from langgraph.constants import TAG_HIDDEN, TAG_NOSTREAM
from langgraph.errors import NodeTimeoutError
from langgraph.pregel._messages import StreamMessagesHandler

_CALL_PATH_PARTS = 4


class StepListener(Protocol):
    """What a run wants to know of its steps. A step's namespace is LangGraph's checkpoint namespace of its node."""

    async def step_started(self, namespace: str) -> None:
        """An attempt is about to start; it starts when this returns."""
        ...

    def step_finished(self, namespace: str, output: Any) -> None:
        """An attempt came to its end."""
        ...

    def step_failed(self, namespace: str, error: BaseException) -> None:
        """An attempt raised something: an error, or LangGraph's own signals."""
        ...

    def step_cut_off(self, namespace: str) -> None:
        """An attempt was given up together with the step around it."""
        ...

    def token(self, namespace: str, message_id: str, text: str) -> None:
        """A language model streamed text."""
        ...


class Observer(AsyncCallbackHandler, StreamMessagesHandler):
    """Turns callbacks into what a run wants to know.

    The second base class lends its type only: it makes chat models stream when a node merely invokes them, and it is
    the one streaming handler that LangGraph does not take for a wish to stream every runnable of every node.
    """

    run_inline = True
    raise_error = True

    def __init__(self, listener: StepListener) -> None:
        StreamMessagesHandler.__init__(self, lambda _: None, subgraphs=True)
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._steps: dict[UUID, str] = {}
        self._models: dict[UUID, str] = {}
        self._spoke: set[UUID] = set()

    async def on_chain_start(
        self,
        serialized: dict[str, Any],  # noqa: ARG002 - LangChain's signature, here and below
        inputs: Any,  # noqa: ARG002
        *,
        run_id: UUID,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        name: str | None = None,
        **_: Any,
    ) -> None:
        """Let a node's attempt start once that is durable."""
        namespace = _namespace_of_step(name, tags, metadata)
        if namespace is None or namespace in self._steps.values():
            return
        self._steps[run_id] = namespace
        if asyncio.get_running_loop() is self._loop:
            await self._listener.step_started(namespace)
        else:
            await self._on_loop(self._listener.step_started(namespace))

    async def on_chain_end(  # type: ignore[override]  # the lent type is a sync handler
        self, outputs: Any, *, run_id: UUID, **_: Any
    ) -> None:
        """Note a node's outcome."""
        namespace = self._steps.pop(run_id, None)
        if namespace is not None:
            self._call(self._listener.step_finished, namespace, outputs)

    async def on_chain_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """Note that a node's attempt raised something."""
        namespace = self._steps.pop(run_id, None)
        if namespace is not None:
            self._call(self._listener.step_failed, namespace, error)

    def on_timed_attempt(self, told: Any) -> None:
        """Note that an attempt overran its timeout.

        LangGraph gives such an attempt up and cancels it, so its callbacks, if they still come, speak of a
        cancellation. This is called with the error in hand.
        """
        error, namespace = sys.exc_info()[1], told.context.checkpoint_ns
        if not isinstance(error, NodeTimeoutError) or namespace not in self._steps.values():
            return
        for run_id, cut_off in list(self._steps.items()):
            if cut_off.startswith(f"{namespace}|"):
                del self._steps[run_id]
                self._call(self._listener.step_cut_off, cut_off)
            elif cut_off == namespace:
                del self._steps[run_id]
        self._call(self._listener.step_failed, namespace, error)

    async def on_chat_model_start(
        self,
        serialized: dict[str, Any],  # noqa: ARG002
        messages: Any,  # noqa: ARG002
        *,
        run_id: UUID,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Remember which step a model speaks for."""
        self._model_started(run_id, tags, metadata)

    async def on_llm_start(
        self,
        serialized: dict[str, Any],  # noqa: ARG002
        prompts: list[str],  # noqa: ARG002
        *,
        run_id: UUID,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Remember which step a model speaks for."""
        self._model_started(run_id, tags, metadata)

    async def on_llm_new_token(self, token: Any, *, run_id: UUID, chunk: Any = None, **_: Any) -> None:
        """Pass text on as it comes."""
        namespace = self._models.get(run_id)
        text = token if isinstance(token, str) else _text_of(getattr(chunk, "message", None))
        if namespace is not None and text:
            self._spoke.add(run_id)
            self._call(self._listener.token, namespace, str(run_id), text)

    async def on_llm_end(self, response: Any, *, run_id: UUID, **_: Any) -> None:
        """Pass on the whole text of a model that did not stream."""
        namespace = self._models.pop(run_id, None)
        if namespace is None or run_id in self._spoke:
            self._spoke.discard(run_id)
            return
        generation = response.generations[0][0] if response.generations and response.generations[0] else None
        text = _text_of(getattr(generation, "message", None)) or getattr(generation, "text", "")
        if text:
            self._call(self._listener.token, namespace, str(run_id), text)

    async def on_llm_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:  # noqa: ARG002
        """Forget a model that failed; its step tells of the error."""
        self._models.pop(run_id, None)
        self._spoke.discard(run_id)

    def tap_output_aiter(self, run_id: UUID, output: AsyncIterator[Any]) -> AsyncIterator[Any]:  # noqa: ARG002
        """Leave streams of other runnables as they are."""
        return output

    def tap_output_iter(self, run_id: UUID, output: Iterator[Any]) -> Iterator[Any]:  # noqa: ARG002
        """Leave streams of other runnables as they are."""
        return output

    def _model_started(self, run_id: UUID, tags: list[str] | None, metadata: dict[str, Any] | None) -> None:
        namespace = (metadata or {}).get("langgraph_checkpoint_ns")
        if namespace and TAG_NOSTREAM not in (tags or ()):
            self._models[run_id] = namespace

    async def _on_loop(self, call: Coroutine[Any, Any, None]) -> None:
        """Await a call on the run's loop out of another one, which LangChain uses for graphs that a thread invokes."""
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call, self._loop))

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        if asyncio.get_running_loop() is self._loop:
            function(*arguments)
        else:
            self._loop.call_soon_threadsafe(function, *arguments)


def _namespace_of_step(name: str | None, tags: list[str] | None, metadata: dict[str, Any] | None) -> str | None:
    """The namespace of a node's or task's own run; None for what runs inside of it, around it or hidden."""
    if not tags or not metadata or TAG_HIDDEN in tags:
        return None
    if any(tag.startswith("graph:step:") for tag in tags) or _is_task_call(name, metadata):
        return metadata.get("langgraph_checkpoint_ns")
    return None


def _is_task_call(name: str | None, metadata: dict[str, Any]) -> bool:
    """Whether this is the run of a functional `@task`, which has no tag of its own but a path that ends in True."""
    path = metadata.get("langgraph_path", ())
    return len(path) == _CALL_PATH_PARTS and path[-1] is True and name == metadata.get("langgraph_node")


def _text_of(message: Any) -> str:
    if not isinstance(message, BaseMessage):
        return ""
    text = message.text
    return text if isinstance(text, str) else str(text())
