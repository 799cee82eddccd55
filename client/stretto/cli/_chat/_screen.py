"""A chat in a terminal: the prompt stays at the bottom, with what runs above it, and all that is said scrolls by."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from typing import Any, Final

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app_session
from prompt_toolkit.formatted_text import ANSI
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output.vt100 import Vt100_Output
from rich.text import Text

from stretto.cli._chat._bars import BARS_MAX, bars, ticking
from stretto.cli._chat._story import Story
from stretto.cli._chat._words import written
from stretto.cli._exits import CommandError
from stretto.cli._live import Clock
from stretto.cli._output import Output
from stretto.cli._sessions import PROMPT
from stretto.session.v1.session_event_pb2 import SessionEvent

__all__ = ["Screen"]

FRAME_SECONDS: Final = 0.05
"""Time from one picture to the next, however many events come in between."""

TICK_SECONDS: Final = 0.2
"""The same while the time of branches is shown, and nothing else happens."""

LINES_LEFT: Final = 4
"""Lines of a low terminal that stay for the prompt and the conversation."""

LEAVING: Final = frozenset({"quit", "exit", "bye", ":q"})
LEAVE: Final = "/quit or Ctrl-D leaves, and workflows go on; /cancel stops one."
"""Said to who types a word for leaving: as a message it might be taken for an order to stop what runs."""

AGAIN: Final = "Ctrl-C once more leaves; workflows go on. /help shows what else there is."


class Screen:
    """Somebody at a terminal."""

    live = True

    def __init__(self, out: Output, story: Story) -> None:
        self._out = out
        self._story = story
        self._clock = Clock()
        self._leaving = False
        keys = KeyBindings()
        keys.add("c-c")(self._interrupt)
        output = get_app_session().output
        if isinstance(output, Vt100_Output):
            # Where the cursor is need not be asked: what is drawn here is as high as its lines.
            output.enable_cpr = False
        self._prompt: PromptSession[str] = PromptSession(self._above, key_bindings=keys, output=output)
        self._frame: asyncio.TimerHandle | None = None

    async def lines(self) -> AsyncIterator[str]:
        while True:
            try:
                line = (await self._prompt.prompt_async()).strip()
            except EOFError:
                return
            self._leaving = False
            if line.lower() in LEAVING:
                await self.note(LEAVE)
            elif line:
                yield line

    def _interrupt(self, event: KeyPressEvent) -> None:
        """Ctrl-C: drops what was typed; the second time in a row it leaves."""
        if self._leaving:
            event.app.exit(exception=EOFError)
            return
        self._leaving = True
        event.current_buffer.reset()
        self._print(Text(AGAIN, "dim"))

    async def show(self, *things: Any) -> None:
        self._print(*things)

    async def note(self, text: str) -> None:
        self._print(text, style="dim")

    async def fail(self, error: CommandError) -> None:
        self._print(error.message, style="red")

    async def event(self, event: SessionEvent) -> None:
        if event.HasField("progress"):
            self._clock.saw(event.progress)
        self._draw_in(FRAME_SECONDS)

    def _draw_in(self, seconds: float) -> None:
        """Draw the next picture then, or before."""
        due = asyncio.get_running_loop().time() + seconds
        if self._frame is not None and self._frame.when() <= due:
            return
        if self._frame is not None:
            self._frame.cancel()
        self._frame = asyncio.get_running_loop().call_at(due, self._draw)

    def _draw(self) -> None:
        self._frame = None
        self._prompt.app.invalidate()
        if ticking(self._story.views.values()):
            self._draw_in(TICK_SECONDS)

    def _print(self, *things: Any, style: str | None = None) -> None:
        """Print above the prompt, in the midst of typing.

        The library's own way to do that leaves the terminal's raw mode for a while, in which a Ctrl-D is lost.
        """
        running = self._prompt.app.is_running
        if running:
            self._prompt.app.renderer.erase()
        self._out.show(*things, style=style)
        if running:
            self._prompt.app.invalidate()

    def _above(self) -> ANSI:
        """The prompt, and above it what goes on; once a line was typed, only what belongs to it."""
        size = shutil.get_terminal_size()
        lines: list[Text] = []
        if not self._prompt.app.is_done:
            views = list(self._story.views.values())
            lines += written(self._story.writing, size.columns)
            lines += bars(views, size.columns - 1, self._clock.now(), min(BARS_MAX, max(size.lines - LINES_LEFT, 1)))
        console = self._out.console
        with console.capture() as captured:
            for line in lines:
                console.print(line, soft_wrap=True)
            console.print(Text(PROMPT, "bold cyan"), end="")
        return ANSI(captured.get())
