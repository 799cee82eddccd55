"""The options that every command has, and what they make: an output, and a client of a server."""

import contextlib
import math
import os
import shlex
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

from cyclopts import Group, Parameter

from stretto.cli._errors import told
from stretto.cli._output import Output
from stretto.client import Client
from stretto.client.errors import StrettoError

__all__ = ["COMMON", "PRINTING", "Common", "Printing"]

DEFAULT_SERVER: Final = "127.0.0.1:50051"
_CONNECTION: Final = Group("Connection", sort_key=90)
_PRINTING: Final = Group("Output", sort_key=91)


def _check_seconds(_: type, seconds: float) -> None:
    if not 0 < seconds < math.inf:  # Nor is nan.
        raise ValueError("Must be a number of seconds above 0.")


_Json: TypeAlias = Annotated[
    bool, Parameter(negative="", group=_PRINTING, help="Print JSON for programs; errors are JSON on stderr.")
]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True, slots=True)
class Printing:
    """How a command prints."""

    json: _Json = False

    def output(self) -> Output:
        """Where to print."""
        return Output(as_json=self.json)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True, slots=True)
class Common:
    """How a command reaches its server, and how it prints."""

    server: Annotated[
        str,
        Parameter(
            env_var="STRETTO_SERVER",
            show_default=True,
            group=_CONNECTION,
            help="Address of the server, as HOST:PORT; several with commas between.",
        ),
    ] = DEFAULT_SERVER
    tls: Annotated[
        bool,
        Parameter(env_var="STRETTO_TLS", negative="", group=_CONNECTION, help="Talk TLS, and check the server's name."),
    ] = False
    token: Annotated[
        str,
        Parameter(
            env_var="STRETTO_TOKEN",
            group=_CONNECTION,
            help="Token to send as `authorization: Bearer`; better given by the variable, which no process list shows.",
        ),
    ] = ""
    timeout: Annotated[
        float,
        Parameter(
            show_default=True,
            validator=_check_seconds,
            group=_CONNECTION,
            help="Longest time to wait for an answer to one call, in seconds.",
        ),
    ] = 10.0
    json: _Json = False

    def output(self) -> Output:
        """Where to print."""
        return Output(as_json=self.json)

    @property
    def servers(self) -> tuple[str, ...]:
        """Each address by itself."""
        return tuple(filter(None, map(str.strip, self.server.split(",")))) or (self.server,)

    @property
    def again(self) -> str:
        """What a command to paste needs to reach the same server; empty where the default or the variable does."""
        named = os.environ.get("STRETTO_SERVER", DEFAULT_SERVER) != self.server
        return f" --server {shlex.quote(self.server)}" * named + " --tls" * (
            self.tls and "STRETTO_TLS" not in os.environ
        )

    @contextlib.asynccontextmanager
    async def connected(self, name: str = "") -> AsyncIterator[tuple[Client, Output]]:
        """A client of the server, and where to print. The client's errors leave as `CommandError`.

        Args:
            name: The workflow type that is asked for, so that an error can say which one may have been meant.
        """
        metadata = (("authorization", f"Bearer {self.token}"),) if self.token else ()
        # A person sits there and knows better than a repeat whether the address was meant.
        async with Client(self.server, tls=self.tls, metadata=metadata, timeout=self.timeout, retry=False) as client:
            try:
                yield client, self.output()
            except StrettoError as error:
                raise await told(error, client, self.server, name) from error


PRINTING: Final = Printing()
COMMON: Final = Common()
