"""The executor process: loads the graphs and runs what the server gives it. Not for people to call."""

import asyncio
import ctypes
import os
import signal
import socket
import sys
import traceback

from stretto.server.app import memory
from stretto.server.app.declare import load
from stretto.server.app.logs import set_up_logs
from stretto.server.domain.clock import SystemClock
from stretto.server.domain.errors import Misconfigured, RegistrationError
from stretto.server.engine.child import Child, refuse
from stretto.server.engine.executor import Graphs
from stretto.server.engine.selfcheck import check_langgraph
from stretto.server.engine.serializer import require_strict_mode
from stretto.server.rpc.contracts import Contracts

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Run with the number of an inherited socket, the server's process id and the targets as arguments."""
    descriptor, server, targets = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    _die_with(server)
    # A terminal's Ctrl-C and a service manager's SIGTERM reach this process too, but the server decides when its
    # executors end. Not SIG_IGN: programs that a step starts would ignore these signals as well.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    set_up_logs(os.environ.get("STRETTO_LOG_LEVEL", "info"), os.environ.get("STRETTO_LOG_FORMAT", "auto"))
    asyncio.run(_serve(socket.socket(fileno=descriptor), targets))


async def _serve(sock: socket.socket, targets: list[str]) -> None:
    try:
        require_strict_mode()
        await check_langgraph()
        graphs = Graphs(load(targets))
        contracts = Contracts([registered.info for registered in graphs.by_name.values()])
    except (RegistrationError, Misconfigured) as error:
        await refuse(sock, str(error))
    except Exception:  # noqa: BLE001 - user code is imported here; its author needs to see where it failed.
        await refuse(sock, "Loading the graphs failed:\n" + traceback.format_exc())
    else:
        memory.settle()
        await Child(graphs, contracts, SystemClock()).serve(sock)


def _die_with(server: int) -> None:
    """Have the kernel end this process with the server, even while user code blocks its loop (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # The kernel tells of later deaths only. The server may well be process 1: in a container it often is.
        if os.getppid() != server:
            sys.exit("The server is gone.")


if __name__ == "__main__":
    main()
