"""A plain install is the client: grpcio, protobuf and nothing of the server."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.distribution import Built
from tests.packaging.environments import Environment

NEEDED = {"grpcio", "protobuf", "googleapis-common-protos", "stretto"}
OF_GRPCIO = {"typing-extensions"}
INSTALLED = "import importlib.metadata as m; print(*(f'{d.name}=={d.version}' for d in m.distributions()))"
IMPORT_ALL = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]; print(*sys.modules)"
EXTRAS = {"serve": "server", "worker": "cluster"}
NO_EXTRA = re.compile(r"stretto: .*: pip install 'stretto\[(\w+)\]'\n")
TYPED = """\
from stretto.client import Client
from stretto.workflow.v1.workflow_pb2 import Workflow

reveal_type(Client)
wrong: int = Workflow().workflow_id
"""


def installed(environment: Environment) -> dict[str, str]:
    """The packages of an environment and their versions."""
    packages = [line.split("==") for line in environment.says(INSTALLED).split()]
    return {name.replace("_", "-"): version for name, version in packages}


def test_a_plain_install_brings_four_packages_and_what_grpcio_needs(thin: Environment) -> None:
    assert set(installed(thin)) - OF_GRPCIO == NEEDED


def test_the_oldest_packages_that_are_allowed_are_those_of_the_floors(built: Built, lowest: Environment) -> None:
    packages = installed(lowest)
    assert {f"{name}>={packages[name]}" for name in NEEDED - {"stretto"}} == set(built.requirements())


@pytest.mark.parametrize("name", ["thin", "lowest"])
def test_the_client_and_all_stubs_import_without_the_server(
    name: str, built: Built, request: pytest.FixtureRequest
) -> None:
    environment: Environment = request.getfixturevalue(name)
    domains = {module.split(".")[1] for module in built.modules() if module.endswith("_pb2")}
    wanted = built.modules("client", *domains)
    loaded = environment.output_of(environment.python, "-c", IMPORT_ALL, *wanted).split()
    assert {"stretto.client", "stretto.workflow.v1.workflow_service_pb2_grpc"} <= set(loaded)
    assert {name.split(".")[1] for name in loaded if name.startswith("stretto.")} == {"client", *domains}


def test_the_package_lies_in_the_environment(thin: Environment) -> None:
    assert thin.says("import stretto.client; print(*stretto.__path__)").startswith(str(thin.folder))


def test_help_works_and_names_the_extras_in_one_line(thin: Environment) -> None:
    (line,) = [line for line in thin.output_of(thin.stretto, "--help").splitlines() if "pip install" in line]
    assert "stretto[cli]" in line
    assert "[server]" in line


def test_every_command_names_the_extra_that_it_needs_in_one_line(thin: Environment) -> None:
    listed = re.findall(r"^  ([a-z]+)  ", thin.output_of(thin.stretto, "--help"), re.MULTILINE)
    commands = set(listed) - {"help"}
    assert {"serve", "start", "watch"} <= commands
    for command in commands:
        done = thin.run(thin.stretto, command, "x:y")
        assert (done.returncode, done.stdout) == (2, ""), command
        told = NO_EXTRA.fullmatch(done.stderr)
        assert told, done.stderr
        assert told[1] == EXTRAS.get(command, "cli")


def test_a_type_checker_sees_the_types(thin: Environment, tmp_path: Path) -> None:
    mypy = Path(sys.executable).with_name("mypy")
    (tmp_path / "caller.py").write_text(TYPED)
    argv = [mypy, "--python-executable", thin.python, "--cache-dir", tmp_path / "cache", "caller.py"]
    told = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False).stdout
    assert "def (target: str" in told
    assert 'expression has type "str", variable has type "int"' in told
    assert "Found 1 error in 1 file" in told
