"""How a connection to a server behaves."""

import json
from collections.abc import Sequence
from importlib.metadata import version
from typing import Final

SERVICES: Final = (
    "stretto.workflow.v1.WorkflowService",
    "stretto.catalog.v1.CatalogService",
    "stretto.operations.v1.OperationsService",
    "stretto.session.v1.SessionService",
)
WATCHES: Final = (
    {"service": "stretto.workflow.v1.WorkflowService", "method": "WatchProgress"},
    {"service": "stretto.session.v1.SessionService", "method": "WatchSession"},
)

RECONNECT_MS_MIN: Final = 100
RECONNECT_MS_MAX: Final = 2_000
"""gRPC's own two minutes would keep a watcher away from a server that has long been back."""

CONNECT_MS_MAX: Final = 5_000
"""How long one try to connect may take; gRPC's own 20 seconds are for slower ways than those between services."""

CONNECT_MS_MAX_SEVERAL: Final = 1_000
"""The same where there are other servers: a call that met a machine that is gone waits so long before it goes on to
the next one. Between data centres a connection with TLS takes some 0.6 seconds."""

PING_TIMEOUT_SECONDS: Final = 5.0

Options = Sequence[tuple[str, str | int]]


def addresses(target: str | Sequence[str]) -> tuple[str, ...]:
    """The servers that a caller names: in a text they have commas between them, in a sequence each is an item."""
    named = target.split(",") if isinstance(target, str) else target
    found = tuple(dict.fromkeys(address.strip() for address in named if address.strip()))
    if isinstance(target, str):
        return found or (target,)  # gRPC says what is wrong with it.
    if not found:
        raise ValueError("No server is named; it takes one address at least, such as 127.0.0.1:50051.")
    return found


def options(
    *, message_bytes_max: int, keepalive_seconds: float, retry: bool, several: bool, more: Options
) -> list[tuple[str, str | int]]:
    """Arguments of gRPC's core for a connection to the only server or to one of several; the caller's come last and
    win.
    """
    ping_timeout_ms = round(PING_TIMEOUT_SECONDS * 1_000)
    return [
        ("grpc.primary_user_agent", f"stretto-python/{version('stretto')}"),
        ("grpc.max_receive_message_length", message_bytes_max),
        ("grpc.max_send_message_length", message_bytes_max),
        ("grpc.keepalive_time_ms", round(keepalive_seconds * 1_000)),
        ("grpc.keepalive_timeout_ms", ping_timeout_ms),
        ("grpc.http2.ping_timeout_ms", ping_timeout_ms),  # Without it a dead connection is noticed after a minute.
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.initial_reconnect_backoff_ms", RECONNECT_MS_MIN),
        ("grpc.min_reconnect_backoff_ms", CONNECT_MS_MAX_SEVERAL if several else CONNECT_MS_MAX),
        ("grpc.max_reconnect_backoff_ms", RECONNECT_MS_MAX),
        # A connection that went silent is replaced; out of the common pool we would get the same one again.
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_retries", int(retry)),
        ("grpc.service_config", _service_config_of_one_of_several() if several else _service_config()),
        *more,
    ]


def _service_config() -> str:
    """Short breaks are bridged by gRPC itself; a request id makes each of our calls safe to repeat."""
    names = [{"service": service} for service in SERVICES]
    policy = {
        "maxAttempts": 3,
        "initialBackoff": "0.05s",
        "maxBackoff": "0.5s",
        "backoffMultiplier": 3,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    # A watch goes on after its last event, which gRPC knows nothing of.
    return json.dumps({"methodConfig": [{"name": WATCHES}, {"name": names, "retryPolicy": policy}]})


def _service_config_of_one_of_several() -> str:
    """A server that says NOT_SERVING fails calls before they leave, and what failed is repeated at another server.

    Of gRPC's policies round robin alone watches the health of what it connects to; each channel has one server, so it
    has nothing else to do here. One channel over all of them would check TLS certificates against a name that is no
    server's, could not have several DNS names, and would be replaced as a whole when one server goes silent.
    """
    return json.dumps({"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": ""}})
