"""docs/reference/ is what the protos, the settings and the commands say now, and has no holes."""

from collections.abc import Callable

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from pydantic import BaseModel

from stretto.cli import _app
from stretto.cli._table import Command
from stretto.workflow.v1.error_reason_pb2 import ErrorReason
from stretto.workflows._settings import VariableSettings
from tools import _cli_page, _errors_page, gen_docs


@pytest.mark.parametrize(
    "name",
    [
        "cli.md",
        "errors.md",
        "settings.md",
        "stretto.catalog.v1.md",
        "stretto.operations.v1.md",
        "stretto.workflow.v1.md",
    ],
)
def test_a_page_is_up_to_date(name: str) -> None:
    assert (gen_docs.REFERENCE / name).read_text() == gen_docs.pages()[name], "make proto writes it again"


def test_no_page_is_left_over() -> None:
    assert {path.name for path in gen_docs.REFERENCE.glob("*.md")} == set(gen_docs.pages())


def test_a_setting_without_a_description_is_refused() -> None:
    class Bare(BaseModel):
        port: int = 1

    with pytest.raises(gen_docs.Undocumented, match="setting port"):
        gen_docs.settings_page(Bare)

    class BareOfAudits(VariableSettings):
        port: int = 1

    with pytest.raises(gen_docs.Undocumented, match="setting port of audit"):
        gen_docs.variables_of("audit", BareOfAudits)


@pytest.mark.parametrize("kind", ["message_type", "enum_type", "service"])
def test_an_element_without_a_comment_is_refused(kind: str) -> None:
    file = FileDescriptorProto(name="bare.proto", package="stretto.bare.v1")
    getattr(file, kind).add(name="Bare")
    with pytest.raises(gen_docs.Undocumented, match=r"bare\.proto"):
        gen_docs.proto_page([file])


def reasons(**comments: str) -> list[FileDescriptorProto]:
    """A file with some reasons and what is said of them."""
    file = FileDescriptorProto(name="reasons.proto")
    enum = file.enum_type.add(name="ErrorReason")
    for number, (name, comment) in enumerate(comments.items(), start=1):
        enum.value.add(name=f"ERROR_REASON_{name}", number=number)
        file.source_code_info.location.add(path=[5, 0, 2, number - 1], leading_comments=comment)
    return [file]


@pytest.mark.parametrize("comment", ["", "All is lost.", "NO_STATUS: all is lost."])
def test_a_reason_that_names_no_status_is_refused(comment: str) -> None:
    with pytest.raises(_errors_page.Unmatched, match="LOST"):
        _errors_page.errors_page(reasons(LOST=comment))


def test_a_reason_without_an_exception_is_refused() -> None:
    with pytest.raises(_errors_page.Unmatched, match="LOST"):
        _errors_page.errors_page(reasons(LOST="DATA_LOSS: all is lost."))


def test_every_reason_is_on_the_page_with_its_exception() -> None:
    page = (gen_docs.REFERENCE / "errors.md").read_text()
    for name in ErrorReason.keys()[1:]:
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name.removeprefix('ERROR_REASON_')}`"))
        assert "](#" in row, row


def test_every_command_is_on_the_page_with_its_options() -> None:
    page = _cli_page.cli_page()
    assert "### start\n\nStart a workflow.\n\n    stretto start TYPE [INPUT] [OPTIONS]\n" in page
    assert "| `--label` |  | A label as KEY=VALUE; may be given several times. |" in page
    row = next(line for line in page.splitlines() if line.startswith("| `--server` | `127.0.0.1:50051` |"))
    assert row.endswith("as HOST:PORT; several with commas between. Variable: `STRETTO_SERVER`. |")


def test_a_command_without_a_docstring_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def bare() -> None: ...

    page_of(monkeypatch, bare, "bare")


def test_an_option_without_help_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def bare(*, loud: bool = False) -> None:
        """Does it."""

    page_of(monkeypatch, bare, "--loud")


def page_of(monkeypatch: pytest.MonkeyPatch, function: Callable[..., None], missing: str) -> None:
    for module in (_app, _cli_page):
        monkeypatch.setattr(module, "load", lambda _: function)
    with pytest.raises(_cli_page.Undocumented, match=missing):
        _cli_page.cli_page([Command("bare", "Does it.", "Help")])
