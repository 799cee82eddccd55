"""Reads what progress events say of branches."""

from stretto.cli._live._branch import branch_in
from stretto.cli._live._shows import patiently
from stretto.client import Client
from stretto.client.errors import StrettoError
from stretto.fanout.v1.fanout_pb2 import BranchProgress
from stretto.workflow.v1.progress_event_pb2 import ProgressEvent

__all__ = ["BranchReader"]


class BranchReader:
    """Decodes the details of events. A contract is asked for once, also one that the server does not have."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._unknown: set[str] = set()

    async def read(self, event: ProgressEvent) -> BranchProgress | None:
        """What an event says of a branch; None for all other events."""
        detail = event.step_progress.detail
        if not detail.type_url or detail.type_url in self._unknown:
            return None
        try:
            return branch_in(await patiently(lambda: self._client.decode(detail)))
        except StrettoError:
            # The contract is gone, or is not for this caller: the step is shown as any other one.
            self._unknown.add(detail.type_url)
            return None
