"""A checkpoint log right over the store, for checkpoints that belong to no run."""

from collections.abc import Sequence
from typing import Any

from stretto.server.domain.change import Saved, StoredCheckpoint
from stretto.server.store.port import Store


class StoreLog:
    """Makes rows durable as they come."""

    def __init__(self, store: Store, project: str) -> None:
        self._store = store
        self._project = project

    async def save(self, thread_id: str, saved: Saved) -> None:
        """Write rows."""
        await self._store.save(self._project, thread_id, saved)

    async def checkpoint(self, thread_id: str, namespace: str, checkpoint_id: str) -> StoredCheckpoint | None:
        """One checkpoint, or the newest one of the namespace when the id is empty."""
        return await self._store.checkpoint(self._project, thread_id, namespace, checkpoint_id)

    async def checkpoints(
        self, thread_id: str, namespace: str | None, limit: int, before: str
    ) -> tuple[StoredCheckpoint, ...]:
        """Checkpoints, newest first."""
        return await self._store.checkpoints(self._project, thread_id, namespace, limit, before)

    async def delete(self, thread_id: str) -> None:
        """Delete all rows of a thread."""
        await self._store.delete_checkpoints(self._project, thread_id)

    def wrote(self, thread_id: str, task_id: str, writes: Sequence[tuple[str, Any]]) -> None:
        """Nothing depends on it here."""
