"""docs/reference/ is what the protos and the settings say now, and has no holes."""

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from pydantic import BaseModel

from tools import gen_docs


@pytest.mark.parametrize(
    "name", ["settings.md", "stretto.catalog.v1.md", "stretto.operations.v1.md", "stretto.workflow.v1.md"]
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


@pytest.mark.parametrize("kind", ["message_type", "enum_type", "service"])
def test_an_element_without_a_comment_is_refused(kind: str) -> None:
    file = FileDescriptorProto(name="bare.proto", package="stretto.bare.v1")
    getattr(file, kind).add(name="Bare")
    with pytest.raises(gen_docs.Undocumented, match=r"bare\.proto"):
        gen_docs.proto_page([file])
