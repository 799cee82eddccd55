"""Whether something listens at an address, and which language it speaks: found out with plain sockets, so that the
reasons why gRPC says no more than UNAVAILABLE can be told apart.
"""

import asyncio
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from stretto.cli._doctor._finding import Finding, bad, ok, warn

ADDRESS, CONNECTION, PROTOCOL = "address", "connection", "protocol"

ANSWER_SECONDS: Final = 2.0
"""How long a server may take to greet; a gRPC server does at once."""

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
"""How a client begins HTTP/2: its greeting, and empty settings."""

_FRAME_BYTES: Final = 9
_SETTINGS: Final = 4
_TLS_RECORDS: Final = (0x15, 0x16)
_TLS_VERSION: Final = 3
_BANNER_CHARACTERS: Final = 40

_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server should be."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def place_of(server: str) -> Place | None:
    """Host and port of an address; None when it has none, or is a target in gRPC's own words."""
    host, _, port = server.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or "/" in host or not 0 < int(port) < 1 << 16:
        return None
    return Place(host, int(port))


async def reach(server: str, seconds: float, *, tls: bool) -> AsyncIterator[Finding]:
    """Findings about the way to a server, up to the first bad one."""
    place = place_of(server)
    if place is None:
        yield _no_place(server)
        return
    found = await _resolve(place)
    yield found
    if found.advice:
        return
    began = time.perf_counter()
    try:
        streams = await asyncio.wait_for(asyncio.open_connection(place.host, place.port), seconds)
    except (OSError, TimeoutError) as error:
        yield _unconnected(place, error, seconds)
        return
    took_ms = (time.perf_counter() - began) * 1e3
    yield ok(CONNECTION, f"accepted in {took_ms:.1f} ms", connect_ms=round(took_ms, 3))
    try:
        yield await (_with_tls(place) if tls else _without_tls(streams, place))
    finally:
        streams[1].close()


def _no_place(server: str) -> Finding:
    if server.startswith(("http://", "https://")):
        return bad(ADDRESS, f"{server!r} is a URL", "leave out what stands before the host: --server 127.0.0.1:50051")
    if "/" in server or server.startswith("unix:"):
        return ok(ADDRESS, f"{server} is a target in gRPC's own words; the way to it is not looked at")
    return bad(ADDRESS, f"{server!r} is no HOST:PORT", "name the server like --server 127.0.0.1:50051")


async def _resolve(place: Place) -> Finding:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except OSError:
        advice = "check the name, and that this machine's DNS knows it"
        return bad(ADDRESS, f"{place.host} does not resolve", advice)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    shown = str(place) if addresses == [place.host] else f"{place} is {', '.join(addresses)}"
    return ok(ADDRESS, shown, addresses=addresses)


def _unconnected(place: Place, error: OSError | TimeoutError, seconds: float) -> Finding:
    if isinstance(error, ConnectionRefusedError):
        advice = "start the server (stretto serve MODULE:NAME), or name the port that it listens on"
        return bad(CONNECTION, f"refused: nobody listens on port {place.port} of {place.host}", advice)
    # asyncio's own error of a connection in vain has the type of this one in Python 3.11 and later.
    if isinstance(error, TimeoutError):
        advice = "a firewall may drop the packets, or the machine is down"
        return bad(CONNECTION, f"no answer within {seconds:g} s", advice)
    return bad(CONNECTION, f"failed: {error.strerror or error}", "check the address and the network")


async def _without_tls(streams: _Streams, place: Place) -> Finding:
    """Greet in HTTP/2 and see what comes back."""
    reader, writer = streams
    try:
        writer.write(_PREFACE)
        greeting = await asyncio.wait_for(reader.read(1024), ANSWER_SECONDS)
    except (OSError, TimeoutError):
        greeting = b""
    if len(greeting) >= _FRAME_BYTES and greeting[3] == _SETTINGS:
        return ok(PROTOCOL, "HTTP/2 without TLS", tls=False)
    if greeting.lstrip().startswith((b"HTTP/", b"<")):
        advice = "this is some other server's port; name the one of `stretto serve`"
        return bad(PROTOCOL, "a web server of another sort answers, which is no gRPC", advice)
    if _is_tls(greeting) or (not greeting and await _talks_tls(place)):
        return bad(PROTOCOL, "the server talks TLS", "add --tls (or STRETTO_TLS=1)", tls=True)
    banner = ascii(greeting[:_BANNER_CHARACTERS].decode("latin-1")) if greeting else "nothing"
    return bad(PROTOCOL, f"no gRPC: it answers {banner}", "this is some other server's port, or a proxy without HTTP/2")


def _is_tls(greeting: bytes) -> bool:
    """Whether it is a record of TLS, such as the alert that something not TLS was heard."""
    return len(greeting) > 1 and greeting[0] in _TLS_RECORDS and greeting[1] == _TLS_VERSION


async def _talks_tls(place: Place) -> bool:
    """Whether it answers a greeting in TLS, with any certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    try:
        await _shake_hands(place, context)
    except (OSError, TimeoutError):
        return False
    return True


async def _with_tls(place: Place) -> Finding:
    """Greet in TLS and check the certificate, as gRPC will."""
    # gRPC trusts its own list of authorities, or this one.
    context = ssl.create_default_context(cafile=os.environ.get("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH") or None)
    context.set_alpn_protocols(["h2"])
    try:
        chosen = await _shake_hands(place, context)
    except ssl.SSLCertVerificationError as error:
        advice = (
            "name the server as its certificate does, and where your own authority signed it, set "
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH to the authority's certificate"
        )
        return bad(PROTOCOL, f"the certificate is refused: {error.verify_message}", advice, tls=True)
    except (OSError, TimeoutError):
        return bad(PROTOCOL, "the server does not talk TLS", "leave --tls (and STRETTO_TLS) out", tls=False)
    if chosen != "h2":
        return warn(PROTOCOL, "TLS, but not agreed on HTTP/2", "a proxy in between may not pass gRPC", tls=True)
    return ok(PROTOCOL, "HTTP/2 with TLS", tls=True)


async def _shake_hands(place: Place, context: ssl.SSLContext) -> str:
    """The protocol that was agreed on; empty for none."""
    opening = asyncio.open_connection(place.host, place.port, ssl=context, server_hostname=place.host)
    _, writer = await asyncio.wait_for(opening, ANSWER_SECONDS)
    shaken = writer.get_extra_info("ssl_object")
    writer.close()
    return (shaken.selected_alpn_protocol() if shaken else None) or ""
