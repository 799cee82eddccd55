"""`stretto worker`, and how `stretto serve` and it say that they cannot share a store as they are told to."""

from collections.abc import Sequence

import pytest

from stretto.server.__main__ import OF_SERVERS, WorkerSettings, main, worker
from stretto.server.app import server
from stretto.server.domain.settings import Settings

APP = "tests.e2e.graphs:app"
REDIS = ("--redis", "redis://127.0.0.1:1")


@pytest.fixture
def call(monkeypatch, capsys):
    """The command line of `serve` or `worker`; gives back the exit code and what it said."""
    monkeypatch.setenv("COLUMNS", "120")
    for name in ("STORE", "REDIS", "LISTEN", "RUN_WORKFLOWS"):
        monkeypatch.delenv(f"STRETTO_{name}", raising=False)

    def call(command: str, *argv: str) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as ended:
            {"serve": main, "worker": worker}[command](argv)
        return ended.value.code, *capsys.readouterr()

    return call


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("worker",), "name at least one app"),
        (("worker", APP), "a worker gets its work through Redis or Valkey"),
        (("worker", APP, "--store", "sqlite:x"), "a worker gets its work through Redis or Valkey"),
        (("worker", APP, *REDIS), "a worker needs a store that is shared, and a file, as now, serves one process"),
        (("worker", APP, *REDIS, "--store", "sqlite:x"), "a worker needs a store that is shared, and sqlite: serves"),
        (("worker", APP, *REDIS, "--listen", "127.0.0.1:0"), "Unknown option: --listen."),
        (("worker", APP, "--redis", "nowhere"), "--redis (or STRETTO_REDIS) is 'nowhere'"),
        (("serve", APP, *REDIS), "--redis needs a store that is shared, and a file, as now, serves one process"),
        (("serve", APP, *REDIS, "--store", "memory:"), "--redis needs a store that is shared, and memory: serves"),
        (("serve", APP, "--no-run-workflows"), "without --run-workflows workers must run them"),
    ],
)
def test_what_cannot_be_shared_so_is_told_in_one_line(call, argv, told) -> None:
    code, out, err = call(*argv)
    assert (code, out) == (2, "")
    [line] = err.splitlines()
    # Old releases of cyclopts put the name of an option in quotes.
    assert line.replace('"', "").startswith(f"stretto: {told}")


def test_the_variables_of_servers_mean_nothing_to_a_worker(call, monkeypatch) -> None:
    for name, value in {"LISTEN": "no address", "STORE": "sqlite:x", "REDIS": REDIS[1]}.items():
        monkeypatch.setenv(f"STRETTO_{name}", value)
    assert call("worker", APP)[2].startswith("stretto: a worker needs a store that is shared, and sqlite: serves")
    assert call("serve", APP)[2].startswith("stretto: --listen (or STRETTO_LISTEN) is 'no address': it must be")


def test_the_help_of_a_worker_has_its_own_settings_only(call) -> None:
    code, told, _ = call("worker", "--help")
    assert code == 0
    assert "Run workflows for servers that share a store" in told
    shown = {name for name in Settings.model_fields if f"--{name.replace('_', '-')} " in told}
    assert shown == set(WorkerSettings.model_fields) == set(Settings.model_fields) - OF_SERVERS
    assert set(Settings.model_fields) > OF_SERVERS


def test_a_worker_gets_its_settings(call, monkeypatch) -> None:
    given = []

    async def work(settings: Settings, targets: Sequence[str]) -> None:
        given.append((settings, targets))

    monkeypatch.setattr(server, "work", work)
    monkeypatch.setattr("stretto.server.__main__.set_up_logs", lambda *_: None)  # They are the whole process's.
    monkeypatch.setenv("STRETTO_REDIS", REDIS[1])
    code, _, err = call("worker", APP, "b:b", "--store", "postgresql://h/d", "--types", "a", "--types", "b")
    assert (code, err) == (0, "")
    [(settings, targets)] = given
    assert settings == Settings(store="postgresql://h/d", redis=REDIS[1], types=("a", "b"), orchestrator=False)
    assert targets == (APP, "b:b")
