"""A command in a pseudo-terminal, and what it drew there."""

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

SECONDS_MAX = 60.0
RESTING_LOOKS = 5
RESTING_SECONDS_MAX = 5.0
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A window of a certain size in which a command runs."""

    def __init__(
        self,
        *argv: str,
        server: str = "",
        width: int = 80,
        height: int = 24,
        kind: str = "xterm-256color",
        program: str = "stretto.cli",
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        env = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
        env |= {"STRETTO_SERVER": server, "TERM": kind}
        call = [sys.executable, "-m", program, *argv]
        self.process = subprocess.Popen(call, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True)
        os.close(slave)
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._drawn = ""

    def until(self, text: str) -> str:
        """Wait until a text was drawn after the last one that was waited for; gives back what was drawn till then."""
        deadline = time.monotonic() + SECONDS_MAX
        while text not in (drawn := _ESCAPES.sub("", self._drawn)):
            assert time.monotonic() < deadline, f"{text!r} is not in {drawn[-4000:]!r}"
            assert self._read() or text in _ESCAPES.sub("", self._drawn), drawn
        # What follows may be what is waited for next: on a busy machine much is read at once.
        before, _, self._drawn = drawn.partition(text)
        return before + text

    def type(self, text: str, end: str = "\r") -> None:
        """Type a text, and Enter."""
        os.write(self._master, (text + end).encode())

    def interrupt(self) -> None:
        """Ctrl-C, from a person who has read what was drawn.

        Between drawing a prompt and reading from the terminal Python is deaf to signals for some microseconds.
        """
        resting = 0
        deadline = time.monotonic() + RESTING_SECONDS_MAX
        while resting < RESTING_LOOKS and time.monotonic() < deadline:
            state = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
            resting = resting + 1 if state == "S" else 0
            time.sleep(0.01)
        self.process.send_signal(signal.SIGINT)

    def rest(self) -> str:
        """All that is drawn until the command ends."""
        while self._read():
            pass
        self.process.wait(SECONDS_MAX)
        return _ESCAPES.sub("", self._drawn)

    def close(self) -> None:
        """Close the window, and end what runs in it."""
        self.process.kill()
        self.process.wait()
        os.close(self._master)

    def _read(self) -> bool:
        """Read some more; says whether the command is still there."""
        ready, _, _ = select.select([self._master], [], [], SECONDS_MAX)
        if not ready:
            return False
        try:
            self._drawn += self._decoder.decode(more := os.read(self._master, 65_536))
        except OSError:  # The last one who wrote there has gone.
            return False
        return bool(more)
