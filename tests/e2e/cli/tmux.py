"""A command in a window of tmux, a real terminal that keeps a screen: what a person would see there."""

import os
import shlex
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable

SECONDS_MAX = 60.0
LOOK_SECONDS = 0.02
TMUX = shutil.which("tmux")


class Window:
    """A window of a certain size, in a tmux of its own that reads nobody's settings."""

    def __init__(self, *argv: str, server: str, width: int = 100, height: int = 30) -> None:
        self._socket = f"stretto-{uuid.uuid4().hex}"
        call = shlex.join([sys.executable, "-m", "stretto.cli", *argv])
        size = ("-x", str(width), "-y", str(height))
        # It stays open behind the command, so that its last words can be read.
        self._tmux("-f", os.devnull, "new-session", "-d", *size, f"STRETTO_SERVER={server} {call}; echo code $?; cat")

    def type(self, text: str) -> None:
        """Type a text, and Enter."""
        self._tmux("send-keys", "-l", text)
        self.press("Enter")

    def press(self, *keys: str) -> None:
        """Press keys by their names in tmux, such as C-d."""
        self._tmux("send-keys", *keys)

    def screen(self) -> str:
        """What stands on the screen now."""
        return self._tmux("capture-pane", "-p")

    def until(self, what: str | Callable[[str], object]) -> str:
        """Wait until a text stands on the screen, or what stands there fits; gives back the screen."""
        deadline = time.monotonic() + SECONDS_MAX
        while not (what in (seen := self.screen()) if isinstance(what, str) else what(seen := self.screen())):
            assert time.monotonic() < deadline, f"{what} is not on the screen:\n{seen}"
            time.sleep(LOOK_SECONDS)
        return seen

    def close(self) -> None:
        """Close it, and end what runs in it."""
        self._tmux("kill-server")

    def _tmux(self, *argv: str) -> str:
        assert TMUX is not None
        called = [TMUX, "-L", self._socket, *argv]
        # Readline, which pytest loads, sets COLUMNS behind Python's back; a child would have it unless this is said.
        env = dict(os.environ)
        return subprocess.run(called, capture_output=True, text=True, check=True, timeout=SECONDS_MAX, env=env).stdout
