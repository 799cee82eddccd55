"""Runs the blocks of a page in order, in a folder of its own, against a server of its own."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from benchmarks._processes import free_address
from tests.docs.pages import Block

SECONDS_MAX = 60
SHOWN_ADDRESS, SHOWN_PORT = "127.0.0.1:50051", "8123"
LOOK_SECONDS = 0.02
BIN = Path(sys.executable).parent

# What the tests have stands in for stock clients that they have not.
CURL = f"""#!{sys.executable}
import sys, urllib.request
header, url = sys.argv[sys.argv.index("-H") + 1].split(": "), sys.argv[-1]
with urllib.request.urlopen(urllib.request.Request(url, headers=dict([header]))) as answer:
    sys.stdout.write(answer.read().decode())
"""
GRPCURL = f"""#!{sys.executable}
import subprocess, sys
arguments = sys.argv[1:]
arguments.remove("-plaintext")
body = ["-d", arguments.pop(arguments.index("-d") + 1)] if "-d" in arguments else []
if body:
    arguments.remove("-d")
address, method = arguments
command = ["{BIN / "buf"}", "curl", "--protocol", "grpc", "--http2-prior-knowledge", *body]
command += ["--list-methods", f"http://{{address}}"] if method == "list" else [f"http://{{address}}/{{method}}"]
sys.exit(subprocess.run(command).returncode)
"""


class Runner:
    """Does with one page's blocks what their marks tell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = free_address()
        self.port = free_address().rpartition(":")[2]
        self.server: subprocess.Popen[str] | None = None
        self.others: list[subprocess.Popen[bytes]] = []
        commands = folder / ".bin"
        commands.mkdir()
        for name, script in (("grpcurl", GRPCURL), ("curl", CURL)):
            (commands / name).write_text(script)
            (commands / name).chmod(0o755)
        self.environment = {
            **os.environ,
            "PATH": os.pathsep.join([str(commands), str(BIN), os.environ["PATH"]]),
            "PYTHONUNBUFFERED": "1",  # What goes to stdout and what to stderr is shown in its order.
            "PYTHONWARNINGS": "error",
            "STRETTO_DRAIN_SECONDS_MAX": "0",  # A page that is over waits for no step.
            "STRETTO_LISTEN": self.address,
            "STRETTO_SERVER": self.address,
            "STRETTO_STORE": f"sqlite:{folder / 'stretto.db'}",
        }

    def run(self, block: Block, following: Block | None) -> None:
        """Do what the block's mark tells."""
        text = block.text.replace(SHOWN_ADDRESS, self.address).replace(SHOWN_PORT, self.port)
        match block.mark, block.argument:
            case "file", name:
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / name).write_text(text)
            case "test", "serve":
                self._serve(text)
            case "test", "background":
                self._start(text)
            case "test", "python":
                printed = self._succeed(block, [sys.executable, "-c", text])
                if following is not None and following.mark == "prints":
                    self._compare(block, following.text, printed)
            case "test", "sh":
                self._succeed(block, ["bash", "-c", f"set -euo pipefail\n{text}"])
            case "test", "console":
                self._console(block, text)

    def close(self) -> None:
        """Stop all that was started."""
        for other in self.others:
            other.kill()
            other.wait()
        self._stop_server()

    def _stop_server(self) -> None:
        if self.server is None:
            return
        self.server.send_signal(signal.SIGTERM)
        try:
            self.server.communicate(timeout=SECONDS_MAX)
        except subprocess.TimeoutExpired:
            os.killpg(self.server.pid, signal.SIGKILL)
            raise
        self.server = None

    def _start(self, command: str) -> None:
        with (self.folder / "other-log").open("w") as log:
            started = subprocess.Popen(
                ["bash", "-c", f"exec {command}"], cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )
        self.others.append(started)
        while started.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", int(self.port))):
                return
            time.sleep(LOOK_SECONDS)
        raise AssertionError((self.folder / "other-log").read_text())

    def _serve(self, command: str) -> None:
        self._stop_server()
        with (self.folder / "log").open("w") as log:
            self.server = subprocess.Popen(
                ["bash", "-c", f"exec {command}"],
                cwd=self.folder,
                env={**self.environment, "PYTHONWARNINGS": "default"},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        assert self.server.stdout is not None
        first = self.server.stdout.readline()
        assert first.startswith("Stretto listens on"), (self.folder / "log").read_text()

    def _succeed(self, block: Block, command: list[str]) -> str:
        done = subprocess.run(
            command,
            check=False,
            cwd=self.folder,
            env=self.environment,
            text=True,
            capture_output=True,
            timeout=SECONDS_MAX,
        )
        assert done.returncode == 0, f"{block.place}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def _console(self, block: Block, text: str) -> None:
        """Run the commands in one shell, which knows the variables of the page's earlier blocks."""
        steps = re.split(r"^\$ ", text, flags=re.MULTILINE)
        assert not steps[0], f"{block.place}: begins with no command"
        commands, expected = zip(*map(_split, steps[1:]), strict=True)
        script = "set -a\n[ -f .variables ] && . ./.variables\n"
        script += "".join(f"{command}\nprintf '\\0'\n" for command in commands) + "export -p >.variables\n"
        done = subprocess.run(
            ["bash", "-c", script],
            check=False,
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS_MAX,
        )
        printed = done.stdout.split("\0")
        assert len(printed) == len(commands) + 1, f"{block.place}: {done.stdout}"
        for command, wanted, got in zip(commands, expected, printed, strict=False):
            self._compare(block, wanted, got, command)

    def _compare(self, block: Block, expected: str, printed: str, command: str = "") -> None:
        told = printed.replace(self.address, SHOWN_ADDRESS).replace(str(self.folder), "")
        assert alike(expected.replace(self.address, SHOWN_ADDRESS), told), (
            f"{block.place}: {command}\nshould print\n{expected}\nbut prints\n{told}"
        )


def alike(expected: str, printed: str) -> bool:
    """Whether a page shows what was printed: `…` stands for any text, on a line of its own for any lines.

    How wide columns are depends on what is left out, so any blanks stand for any others.
    """
    return _lines_fit(_lines(expected), _lines(printed))


def _lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def _lines_fit(expected: list[str], printed: list[str]) -> bool:
    for number, line in enumerate(expected):
        if line == "…":
            rest = expected[number + 1 :]
            return any(_lines_fit(rest, printed[skipped:]) for skipped in range(number, len(printed) + 1))
        if number >= len(printed) or not _line_fits(line, printed[number]):
            return False
    return len(expected) == len(printed)


def _line_fits(expected: str, printed: str) -> bool:
    """Whether the parts between the `…` stand there in this order. A pattern would take for ever over long lines."""
    first, *parts = expected.split("…")
    if not parts:
        return expected == printed
    *parts, last = parts
    if not printed.startswith(first):
        return False
    at = len(first)
    for part in parts:
        at = printed.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return printed[at:].endswith(last)


def _split(step: str) -> tuple[str, str]:
    """A command, over several lines where they end in a backslash, and what it should print."""
    found = re.match(r"((?:.*\\\n)*.*)\n((?:.*\n?)*)", step)
    assert found
    return found[1], found[2]
