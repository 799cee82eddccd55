"""What an executor's process loads."""

import subprocess
import sys


def test_contracts_and_events_are_imported_without_grpc() -> None:
    code = (
        "import sys, stretto.server.rpc.contracts, stretto.server.rpc.events;"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'grpc', 'grpc_status', 'langgraph'}))"
    )
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert shown.stdout.strip() == "[]"
