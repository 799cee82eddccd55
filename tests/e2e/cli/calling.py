"""What tests of the command line say and see."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stretto.client import ClientSync

NOBODY = "127.0.0.1:1"


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def error(self) -> Any:
        """The one JSON object on stderr."""
        (line,) = self.err.splitlines()
        return json.loads(line)["error"]


Stretto = Callable[..., Ran]


def until(client: ClientSync, workflow_id: str, kind: str, count: int = 1) -> str:
    """Wait for some events of a kind, and for the status that comes with them; gives back the id."""
    handle = client.handle(workflow_id)
    with contextlib.closing(handle.watch()) as watch:
        for event in watch:
            count -= event.WhichOneof("kind") == kind
            if not count:
                handle.state(min_sequence=event.sequence)
                return workflow_id
    raise AssertionError(f"no {kind}")
