import pytest

import stretto.models
from stretto.models import ModelMisconfigured, ModelUnavailable, Reason
from stretto.workflows import _notes
from stretto.workflows._notes import ATTEMPTS_MAX, MODEL, NOTE_CHARACTERS_MAX, TEMPLATE, ModelSilent, write_note


class Model:
    """Says what it is given, or raises it."""

    def __init__(self, said):
        self.said = said

    async def write(self, system, prompt):
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


@pytest.fixture
def model(monkeypatch):
    def configure(said, attempt=1):
        monkeypatch.setattr(stretto.models, "configured", lambda: said and Model(said))
        monkeypatch.setattr(_notes, "_attempt", lambda: attempt)

    return configure


async def test_without_a_model_the_template_is_the_note(model):
    model(None)
    assert await write_note("s", "p", "standard") == _notes.Note(text="standard", source=TEMPLATE)


async def test_a_model_writes_the_note_and_no_more_than_fits(model):
    model("x" * (NOTE_CHARACTERS_MAX + 1))
    assert await write_note("s", "p", "standard") == _notes.Note(text="x" * NOTE_CHARACTERS_MAX, source=MODEL)


async def test_a_fault_that_may_pass_is_worth_another_attempt(model):
    model(ModelUnavailable(Reason.TIMEOUT, "8 seconds"))
    with pytest.raises(ModelSilent, match="did not answer in time"):
        await write_note("s", "p", "standard")


@pytest.mark.parametrize(
    ("reason", "attempt"), [(Reason.TIMEOUT, ATTEMPTS_MAX), (Reason.REFUSED, 1), (Reason.CIRCUIT_OPEN, 1)]
)
async def test_a_model_that_does_not_help_fails_nothing(model, reason, attempt):
    model(ModelUnavailable(reason, "it said no"), attempt)
    note = await write_note("s", "p", "standard")
    assert (note.text, note.source) == ("standard", TEMPLATE)
    assert note.warning == f"The chat model {reason.told}, so the note is a standard one."


async def test_a_model_that_is_set_up_wrongly_fails_nothing(monkeypatch):
    def configured():
        raise ModelMisconfigured("STRETTO_MODEL is 'no:model'.")

    monkeypatch.setattr(stretto.models, "configured", configured)
    note = await write_note("s", "p", "standard")
    assert (note.source, note.warning) == (TEMPLATE, "The note is a standard one. STRETTO_MODEL is 'no:model'.")


def test_what_may_pass_is_named_as_models_name_it():
    assert set(Reason) >= _notes.TRANSIENT
