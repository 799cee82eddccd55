"""The three ways to show what is watched: a live picture, plain lines, JSON lines."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol, TypeVar

from rich.console import Group
from rich.live import Live
from rich.text import Text

from stretto.cli._json import plain, readable
from stretto.cli._live._clock import Clock
from stretto.cli._live._frame import Scene
from stretto.cli._live._lines import line_of
from stretto.cli._live._render import render
from stretto.cli._live._view import WorkflowView
from stretto.cli._live._words import one_line
from stretto.cli._output import Output, clean
from stretto.client import Client
from stretto.client.errors import StrettoError, TimedOut, Unavailable
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent

FRAME_SECONDS: Final = 0.1
"""Time from one picture to the next, however many events come in between: more often is not seen, but costs."""

PATIENCE_SECONDS: Final = 0.5
"""Pause before a payload's contract is asked for again while the server is away."""

OUTSIDE_LINES: Final = 2
"""Lines of the screen that are not the picture's in the end: what was started stands above it, a prompt below."""

T = TypeVar("T")


class Show(Protocol):
    """Shows events as they come, and breaks of the connection."""

    def running(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Around all that is shown."""
        ...

    async def event(self, view: WorkflowView, event: ProgressEvent) -> None:
        """The next event, which the view has taken in."""
        ...

    async def ended(self, view: WorkflowView) -> None:
        """The end of a workflow that was told by no event."""
        ...

    def broke(self, view: WorkflowView, seconds: float) -> None:
        """The connection was lost and is tried again after a while."""
        ...


def show_for(
    out: Output, client: Client, views: Sequence[WorkflowView], again: str = "", caption: Collection[Text] = ()
) -> Show:
    """The way that fits the place where it is printed; a picture has the lines of a caption below, as they are then."""
    if out.json:
        return _JsonLines(out, client)
    # A dumb terminal cannot draw over what stands there.
    drawn = out.live and not out.console.is_dumb_terminal
    return Picture(out, client, views, again, caption) if drawn else _PlainLines(out, client)


class _JsonLines:
    """One JSON object for each event."""

    def __init__(self, out: Output, client: Client) -> None:
        self._out = out
        self._client = client

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        yield

    async def event(self, _: WorkflowView, event: ProgressEvent) -> None:
        self._out.line(await patiently(lambda: readable(event, self._client)))

    async def ended(self, view: WorkflowView) -> None:
        pass

    def broke(self, view: WorkflowView, seconds: float) -> None:
        pass


class _PlainLines:
    """One line for each event, and one for what broke, however often trying again is in vain."""

    def __init__(self, out: Output, client: Client) -> None:
        self._out = out
        self._client = client
        self._told: dict[str, str] = {}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        yield

    async def event(self, view: WorkflowView, event: ProgressEvent) -> None:
        self._told.pop(view.workflow_id, None)
        result = await _result(view, self._client) if event.HasField("completed") else None
        self._out.show(Text(clean(line_of(event, result, view.branch_told))))

    async def ended(self, view: WorkflowView) -> None:
        pass

    def broke(self, view: WorkflowView, seconds: float) -> None:
        assert view.broken is not None
        why = one_line(view.broken.why)
        if self._told.get(view.workflow_id) != why:
            self._told[view.workflow_id] = why
            self._out.note(f"{view.workflow_id}: connection lost, trying again in {seconds:.1f} s, and on: {why}")


class Picture:
    """A picture that is drawn anew all the time, and at the end once more, whole."""

    def __init__(
        self,
        out: Output,
        client: Client,
        views: Sequence[WorkflowView],
        again: str = "",
        caption: Collection[Text] = (),
    ) -> None:
        self._out = out
        self._client = client
        self._views = views
        self._again = again
        self._caption = caption
        self._results: dict[str, Any] = {}
        self._clock = Clock()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        console = self._out.console
        live = Live(console=console, auto_refresh=False, transient=True, vertical_overflow="crop")
        try:
            with live:
                ticking = asyncio.create_task(self._tick(live))
                try:
                    yield
                finally:
                    ticking.cancel()
        finally:
            # Also after Ctrl-C: what was seen stays on the screen.
            console.print(self.last(), crop=False)

    async def event(self, view: WorkflowView, event: ProgressEvent) -> None:
        self._clock.saw(event)
        await self.ended(view)

    async def ended(self, view: WorkflowView) -> None:
        if view.result is not None:
            self._results[view.workflow_id] = await _result(view, self._client)

    def broke(self, view: WorkflowView, seconds: float) -> None:
        pass

    def frame(self, lines_max: int | None = None) -> Group:
        """What there is to see now, in at most so many lines; all of it without a bound."""
        return self._drawn(self._scene(), lines_max)

    def last(self) -> Group:
        """What stays in the end: long results are cut, so that what came of it does not scroll off with the steps."""
        console, scene = self._out.console, self._scene()
        others = len(console.render_lines(self._drawn(replace(scene, results={}))))
        room = max(console.height - OUTSIDE_LINES - others, 0) // max(len(self._results), 1)
        return self._drawn(replace(scene, result_lines_max=room))

    def _drawn(self, scene: Scene, lines_max: int | None = None) -> Group:
        caption = [Text(), *self._caption] if self._caption else []
        room = None if lines_max is None else lines_max - len(caption)
        return Group(render(self._views, scene, room), *caption)

    async def _tick(self, live: Live) -> None:
        while True:
            live.update(self.frame(self._out.console.height - 1), refresh=True)
            await asyncio.sleep(FRAME_SECONDS)

    def _scene(self) -> Scene:
        return Scene(self._clock.now(), self._out.console.width, self._results, self._again)


async def _result(view: WorkflowView, client: Client) -> Any:
    """A result as JSON; what it is called where its contract is gone."""
    assert view.result is not None
    payload = view.result
    try:
        return plain(await patiently(lambda: client.decode(payload)))
    except StrettoError:
        return f"({payload.type_url.rpartition('/')[2]}, which this server does not know)"


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Call until the server is there: a watch goes on through restarts, so what it asks meanwhile does too."""
    while True:
        try:
            return await call()
        except (Unavailable, TimedOut):
            await asyncio.sleep(PATIENCE_SECONDS)
