"""Notes to people: a chat model writes them where one is configured, else a template does."""

from typing import Final

from langgraph.runtime import get_runtime
from langgraph.types import RetryPolicy
from pydantic import BaseModel, ConfigDict

NOTE_CHARACTERS_MAX: Final = 4000
"""The contracts' bound; a model that goes on and on is cut there."""
ATTEMPTS_MAX: Final = 2
TRANSIENT: Final = frozenset({"timeout", "rate_limited", "server_error", "cut_off", "unreachable"})
"""Reasons for which a model may answer in a moment. What it refused it refuses again; an open circuit takes longer."""
MODEL, TEMPLATE = "NOTE_SOURCE_MODEL", "NOTE_SOURCE_TEMPLATE"


class ModelSilent(Exception):
    """The chat model did not answer this time; the next attempt may be luckier."""


RETRY: Final = RetryPolicy(max_attempts=ATTEMPTS_MAX, initial_interval=1.0, retry_on=ModelSilent)
"""For the node that writes a note. After the last attempt the template is used, so no model fails a workflow."""


class Note(BaseModel):
    """A note, who wrote it, and what went wrong with the model, if anything."""

    model_config = ConfigDict(frozen=True)

    text: str
    source: str
    warning: str = ""


async def write_note(system: str, prompt: str, template: str, *, otherwise: str = "the note is a standard one") -> Note:
    """Have a note written; raises ModelSilent as long as another attempt follows.

    `otherwise` is how a warning says what there is instead of a model's note.
    """
    # Only a node that needs a model loads it.
    from stretto.models import ModelMisconfigured, ModelUnavailable, configured  # noqa: PLC0415

    try:
        model = configured()
    except ModelMisconfigured as error:
        return Note(text=template, source=TEMPLATE, warning=f"{otherwise.capitalize()}. {error}")
    if model is None:
        return Note(text=template, source=TEMPLATE)
    try:
        text = await model.write(system, prompt)
    except ModelUnavailable as error:
        if error.reason in TRANSIENT and _attempt() < ATTEMPTS_MAX:
            raise ModelSilent(f"The chat model {error.reason.told}.") from error
        warning = f"The chat model {error.reason.told}, so {otherwise}."
        return Note(text=template, source=TEMPLATE, warning=warning)
    return Note(text=text[:NOTE_CHARACTERS_MAX], source=MODEL)


def _attempt() -> int:
    info = get_runtime().execution_info
    return info.node_attempt if info is not None else ATTEMPTS_MAX
