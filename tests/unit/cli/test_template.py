"""The generated code in the template of `stretto init` and in the examples."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from stretto.cli._compile import Request, compile_protos
from stretto.cli._init import TEMPLATE

ROOT = Path(__file__).parents[3]
PINNED = re.search(r"^grpcio-tools==(.+)$", (ROOT / "tools/codegen.txt").read_text(), re.MULTILINE)


@pytest.mark.skipif(
    PINNED is None or version("grpcio-tools") != PINNED[1], reason="`make test-lowest` has the pinned generator"
)
@pytest.mark.parametrize(
    ("protos", "out"),
    [(TEMPLATE / "protos", TEMPLATE), (ROOT / "examples/protos", ROOT / "examples/generated")],
    ids=["template", "examples"],
)
def test_it_is_what_the_pinned_generator_writes(tmp_path: Path, protos: Path, out: Path) -> None:
    """Code of a newer one would refuse the oldest protobuf that Stretto runs with."""
    files = compile_protos(Request(protos, tmp_path)).files
    assert len(files) == 2
    for file in files:
        assert (out / file.relative_to(tmp_path)).read_text() == file.read_text()
