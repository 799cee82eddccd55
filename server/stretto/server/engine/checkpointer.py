"""LangGraph's checkpointer over our own store, so that checkpoints share a transaction with the journal."""

import asyncio
import inspect
import random
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_id,
    get_checkpoint_metadata,
)
from langgraph.checkpoint.base import Checkpoint as GraphCheckpoint
from langgraph.checkpoint.serde.base import SerializerProtocol

from stretto.server.domain.change import (
    Blob,
    ChannelBlob,
    Checkpoint,
    PendingWrite,
    Saved,
    StoredCheckpoint,
)
from stretto.server.domain.errors import StrettoError
from stretto.server.engine.serializer import checked_dumps, checked_loads

EPOCH_KEY = "__stretto_epoch"
"""Where a run's config tells its epoch. LangGraph hands it down to every subgraph and back to the checkpointer, and
leaves keys that begin so out of the metadata."""

INLINE_CHARACTERS_MAX = 256
"""Longer strings and all containers are kept outside of the checkpoint, once per version."""

LIST_PAGE = 100
"""Checkpoints read from the log at once."""


class CheckpointLog(Protocol):
    """Where the checkpoints of one thread are."""

    async def save(self, thread_id: str, saved: Saved) -> None:
        """Keep rows. When they become durable is the log's affair."""
        ...

    async def checkpoint(self, thread_id: str, namespace: str, checkpoint_id: str) -> StoredCheckpoint | None:
        """One checkpoint, or the newest one of the namespace when the id is empty."""
        ...

    async def checkpoints(
        self, thread_id: str, namespace: str | None, limit: int, before: str
    ) -> tuple[StoredCheckpoint, ...]:
        """Checkpoints, newest first."""
        ...

    async def delete(self, thread_id: str) -> None:
        """Delete all rows of a thread."""
        ...

    def wrote(self, thread_id: str, task_id: str, writes: Sequence[tuple[str, Any]]) -> None:
        """Learn what a task wrote, before it is saved."""
        ...


class Checkpointer(BaseCheckpointSaver[float]):
    """Saves and loads checkpoints through the log that belongs to their thread."""

    def __init__(self, log_of: Callable[[str, int], CheckpointLog], serde: SerializerProtocol) -> None:
        super().__init__(serde=serde)
        self._log_of = log_of
        self._enough: Collection[tuple[str, ...]] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Name the loop on which calls from other threads are to run."""
        self._loop = loop

    def with_allowlist(self, extra_allowlist: Collection[tuple[str, ...]]) -> "BaseCheckpointSaver[float]":
        """One that loads these types too: itself, as a rule, since it is made with those that its graph declares.

        LangGraph asks for each run, with the graph's own set, which it never changes: to compare it once is enough.
        """
        if extra_allowlist is self._enough:
            return self
        allowing = super().with_allowlist(extra_allowlist)
        if allowing is self:
            self._enough = extra_allowlist
        return allowing

    def get_next_version(self, current: float | None, channel: None) -> float:  # noqa: ARG002 - the base class's signature
        """A version after the present one; its fraction tells branches of one thread apart."""
        return int(current or 0) + 1 + random.random()  # noqa: S311 - no secret

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: GraphCheckpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Hand a checkpoint to the log."""
        configurable = config["configurable"]
        thread_id, namespace = configurable["thread_id"], configurable.get("checkpoint_ns", "")
        inline, outside = _split(checkpoint["channel_values"])
        versions = checkpoint["channel_versions"]
        row = Checkpoint(
            namespace=namespace,
            checkpoint_id=checkpoint["id"],
            parent_id=get_checkpoint_id(config) or "",
            superstep=metadata.get("step", 0),
            source=metadata.get("source", ""),
            created_at=int(datetime.fromisoformat(checkpoint["ts"]).timestamp() * 1_000_000),
            body=self._dump({**checkpoint, "channel_values": inline}),
            metadata=self._dump(get_checkpoint_metadata(config, metadata)),
            channels=tuple((channel, repr(versions[channel])) for channel in outside if channel in versions),
        )
        blobs = tuple(
            ChannelBlob(namespace, channel, repr(versions[channel]), self._dump(value))
            for channel, value in outside.items()
            if channel in new_versions
        )
        await self._log(config).save(thread_id, Saved(checkpoints=(row,), blobs=blobs))
        return _config(configurable, namespace, checkpoint["id"])

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Hand a task's writes to the log."""
        configurable = config["configurable"]
        thread_id, namespace = configurable["thread_id"], configurable.get("checkpoint_ns", "")
        rows = tuple(
            PendingWrite(
                namespace,
                configurable["checkpoint_id"],
                task_id,
                WRITES_IDX_MAP.get(channel, index),
                channel,
                self._dump(value),
                task_path,
            )
            for index, (channel, value) in enumerate(writes)
        )
        log = self._log(config)
        log.wrote(thread_id, task_id, writes)
        await log.save(thread_id, Saved(writes=rows))

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Load one checkpoint, or the newest one of its namespace."""
        configurable = config["configurable"]
        thread_id, namespace = configurable["thread_id"], configurable.get("checkpoint_ns", "")
        stored = await self._log(config).checkpoint(thread_id, namespace, get_checkpoint_id(config) or "")
        return self._load(configurable, stored) if stored else None

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 - the base class's name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """List the checkpoints of a thread, newest first. The filter is compared here and never reaches the store."""
        if config is None:
            raise StrettoError("Checkpoints can be listed for one thread at a time only.")
        configurable = config["configurable"]
        thread_id, namespace = configurable["thread_id"], configurable.get("checkpoint_ns")
        cursor = (get_checkpoint_id(before) or "") if before else ""
        wanted = get_checkpoint_id(config)
        left = limit
        while left is None or left > 0:
            page = await self._log(config).checkpoints(thread_id, namespace, LIST_PAGE, cursor)
            for stored in page:
                loaded = self._load(configurable, stored)
                if _matches(loaded, filter, wanted) and (left is None or left > 0):
                    left = None if left is None else left - 1
                    yield loaded
            if len(page) < LIST_PAGE:
                return
            cursor = page[-1].checkpoint.checkpoint_id

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete all rows of a thread."""
        await self._log_of(thread_id, 0).delete(thread_id)

    def put(
        self,
        config: RunnableConfig,
        checkpoint: GraphCheckpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """As aput, for graphs that a node calls from a thread."""
        return cast("RunnableConfig", self._wait_for(self.aput(config, checkpoint, metadata, new_versions)))

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """As aput_writes, for graphs that a node calls from a thread."""
        self._wait_for(self.aput_writes(config, writes, task_id, task_path))

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """As aget_tuple, for graphs that a node calls from a thread."""
        return cast("CheckpointTuple | None", self._wait_for(self.aget_tuple(config)))

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 - the base class's name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """As alist, for graphs that a node calls from a thread."""

        async def collect() -> Any:
            return [item async for item in self.alist(config, filter=filter, before=before, limit=limit)]

        yield from self._wait_for(collect())

    def delete_thread(self, thread_id: str) -> None:
        """As adelete_thread, for graphs that a node calls from a thread."""
        self._wait_for(self.adelete_thread(thread_id))

    def _log(self, config: RunnableConfig) -> CheckpointLog:
        """The log of the very run that a config belongs to, which may be over while a thread of its still writes."""
        configurable = config["configurable"]
        return self._log_of(configurable["thread_id"], configurable.get(EPOCH_KEY, 0))

    def _wait_for(self, call: Any) -> Any:
        """Run a call on the executor's loop from another thread."""
        assert self._loop is not None, "bind() names the loop before any graph runs"
        return asyncio.run_coroutine_threadsafe(call, self._loop).result()

    def _dump(self, value: Any) -> Blob:
        return checked_dumps(self.serde, value)

    def _load(self, configurable: dict[str, Any], stored: StoredCheckpoint) -> CheckpointTuple:
        row = stored.checkpoint
        body = checked_loads(self.serde, row.body)
        values = body["channel_values"] | {blob.channel: checked_loads(self.serde, blob.blob) for blob in stored.blobs}
        writes = sorted(stored.writes, key=lambda write: (write.task_path, write.task_id, write.index))
        return CheckpointTuple(
            config=_config(configurable, row.namespace, row.checkpoint_id),
            checkpoint=cast("GraphCheckpoint", {**body, "channel_values": values}),
            metadata=checked_loads(self.serde, row.metadata),
            parent_config=_config(configurable, row.namespace, row.parent_id) if row.parent_id else None,
            pending_writes=[(write.task_id, write.channel, checked_loads(self.serde, write.blob)) for write in writes],
        )


# LangGraph looks at this signature once for each run; without it, Python works it out anew each time.
cast("Any", Checkpointer.aput_writes).__signature__ = inspect.signature(Checkpointer.aput_writes)


def _config(configurable: dict[str, Any], namespace: str, checkpoint_id: str) -> RunnableConfig:
    """The address of a checkpoint, for the run that asks."""
    address = {"thread_id": configurable["thread_id"], "checkpoint_ns": namespace, "checkpoint_id": checkpoint_id}
    if EPOCH_KEY in configurable:
        address[EPOCH_KEY] = configurable[EPOCH_KEY]
    return {"configurable": address}


def _split(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Small plain values, which stay inside the checkpoint, and all others."""
    inline: dict[str, Any] = {}
    outside: dict[str, Any] = {}
    for channel, value in values.items():
        small = value is None or type(value) in (bool, int, float)
        small = small or (type(value) is str and len(value) <= INLINE_CHARACTERS_MAX)
        (inline if small else outside)[channel] = value
    return inline, outside


def _matches(loaded: CheckpointTuple, wanted: dict[str, Any] | None, checkpoint_id: str | None) -> bool:
    if checkpoint_id and loaded.config["configurable"]["checkpoint_id"] != checkpoint_id:
        return False
    metadata = cast("dict[str, Any]", loaded.metadata)
    return all(metadata.get(key) == value for key, value in (wanted or {}).items())
