"""A store that other processes write too, as one process sees it."""

import asyncio
from dataclasses import replace

from stretto.server.engine.news import News, of_sessions, of_workflows
from tests.contract.making import PROJECT, commit


class Sight:
    """Tells of this process's own commits as a store does; what others commit is laid aside, to be heard of."""

    def __init__(self, store):
        self._store = store
        self._listeners, self._session_listeners = [], []
        self.is_own = False
        self.told: list[News] = []
        self.reads = 0
        self.heads = 0
        store.on_session_publication(self._of_sessions)
        store.on_publication(self._of_workflows)

    def __getattr__(self, name):
        return getattr(self._store, name)

    def on_publication(self, listener):
        self._listeners.append(listener)

    def on_session_publication(self, listener):
        self._session_listeners.append(listener)

    async def get(self, *where):
        self.heads += 1
        return await self._store.get(*where)

    async def events(self, *where):
        self.reads += 1
        return await self._store.events(*where)

    async def session_events(self, *where):
        self.reads += 1
        return await self._store.session_events(*where)

    def take(self):
        """What others told since it was taken last: one news of workflows and one of sessions for each commit."""
        told, self.told = self.told, []
        return [one for news in told for one in news.workflows], [one for news in told for one in news.sessions]

    def _of_workflows(self, publications):
        for listener in self._listeners if self.is_own else ():
            listener(publications)
        if not self.is_own:
            self.told.append(News(workflows=of_workflows(publications)))

    def _of_sessions(self, publications):
        for listener in self._session_listeners if self.is_own else ():
            listener(publications)
        if not self.is_own:
            self.told.append(News(sessions=of_sessions(publications)))


class Watcher:
    """Follows a journal in a task, and remembers what it got."""

    def __init__(self, journal, name, after=0, **how):
        self.seen, self.batches = [], []
        self.task = asyncio.create_task(self._follow(journal.follow(PROJECT, name, after, 100, **how)))

    @property
    def sequences(self):
        return [event.sequence for event in self.seen]

    async def _follow(self, following):
        async with asyncio.timeout(10):
            async for batch in following:
                self.batches.append(len(batch))
                self.seen += batch

    async def leave(self):
        """Stop following."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def settle():
    """Let every task run until it waits."""
    for _ in range(20):
        await asyncio.sleep(0)


async def step(store, *bodies, workflow_id="wf_1", **fields):
    """A commit of a run."""
    await store.update(PROJECT, workflow_id, commit(workflow_id=workflow_id, events=bodies, **fields))


def without_bodies(news):
    """News whose events were too large to be sent around."""
    return [replace(one, events=()) for one in news]
