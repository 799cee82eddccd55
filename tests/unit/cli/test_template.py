"""The generated code in the template of `stretto init`."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from stretto.cli._compile import Request, compile_protos
from stretto.cli._init import TEMPLATE

PINNED = re.search(r"^grpcio-tools==(.+)$", (Path(__file__).parents[3] / "tools/codegen.txt").read_text(), re.MULTILINE)


@pytest.mark.skipif(
    PINNED is None or version("grpcio-tools") != PINNED[1], reason="`make test-lowest` has the pinned generator"
)
def test_it_is_what_the_pinned_generator_writes(tmp_path: Path) -> None:
    """Code of a newer one would refuse the oldest protobuf that Stretto runs with."""
    files = compile_protos(Request(TEMPLATE / "protos", tmp_path)).files
    assert len(files) == 2
    for file in files:
        assert (TEMPLATE / file.relative_to(tmp_path)).read_text() == file.read_text()
