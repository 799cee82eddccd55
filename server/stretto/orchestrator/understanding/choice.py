"""Which understanding a process uses: a chat model where one is set up, else the offline one."""

from stretto.models import configured
from stretto.orchestrator.understanding.offline import Offline
from stretto.orchestrator.understanding.port import Understanding


def chosen(seconds_max: float) -> Understanding:
    """As the settings say. A model may take that long for a whole turn."""
    model = configured()
    if model is None:
        return Offline()
    from stretto.orchestrator.understanding.model import WithModel  # noqa: PLC0415 - it brings LangChain along.

    return WithModel(model, Offline(), seconds_max=seconds_max)
