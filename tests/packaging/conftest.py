"""The wheel and the sdist, built once, and environments in which the wheel is installed as users install it."""

import re
import sys
from collections.abc import Iterator

import pytest

from tests.packaging.distribution import Built
from tests.packaging.environments import Environment, make_environment, remove, uv


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--python", sys.executable, "--out-dir", str(folder))
    return Built(next(folder.glob("*.whl")), next(folder.glob("*.tar.gz")))


@pytest.fixture(scope="session")
def thin(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """A plain `pip install stretto`."""
    folder = tmp_path_factory.mktemp("thin")
    yield make_environment(folder, [str(built.wheel)])
    remove(folder)


@pytest.fixture(scope="session")
def lowest(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """The same with the oldest packages that are allowed: uv takes the oldest of what it is asked for by name."""
    folder = tmp_path_factory.mktemp("lowest")
    names = [re.split("[^a-z-]", need)[0] for need in built.requirements()]
    yield make_environment(folder, [str(built.wheel), *names], "--resolution", "lowest-direct")
    remove(folder)


@pytest.fixture(scope="session")
def serving(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """`pip install 'stretto[server]'`."""
    folder = tmp_path_factory.mktemp("serving")
    yield make_environment(folder, [f"{built.wheel}[server]"])
    remove(folder)


@pytest.fixture(scope="session")
def sharing(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """`pip install 'stretto[cluster]'`."""
    folder = tmp_path_factory.mktemp("sharing")
    yield make_environment(folder, [f"{built.wheel}[cluster]"])
    remove(folder)
