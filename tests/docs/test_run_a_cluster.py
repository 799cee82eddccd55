"""`run-a-cluster.md` works over a real PostgreSQL and a real Redis, and the files that it names fit the commands."""

import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from stretto.server.__main__ import WorkerSettings
from stretto.server.domain.settings import Settings
from tests.docs.pages import ROOT, Block, blocks
from tests.docs.running import LOOK_SECONDS, SECONDS_MAX, Runner
from tools.services.postgres import postgres_service
from tools.services.redis import redis_service

PAGE = ROOT / "docs" / "how-to" / "run-a-cluster.md"
FILES = ROOT / "examples" / "cluster"
COMPOSE = yaml.safe_load((FILES / "compose.yaml").read_text())
NGINX = (FILES / "nginx.conf").read_text()
SETTINGS = {"serve": Settings, "worker": WorkerSettings}


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    with postgres_service() as postgres, redis_service() as redis:
        runner = Runner(tmp_path)
        runner.environment |= {"STRETTO_STORE": postgres.url, "STRETTO_REDIS": redis.url}
        runner.environment["STRETTO_ORCHESTRATOR"] = "false"
        yield runner
        runner.close()


def test_the_page_works(runner: Runner) -> None:
    found = {"cluster server": 0, "cluster worker": 0, "cluster console": 0}
    for block in blocks(PAGE):
        if block.argument in found:
            found[block.argument] += 1
            run(runner, block)
        elif block.mark == "file":
            runner.run(block, None)
    assert all(found.values()), found


def run(runner: Runner, block: Block) -> None:
    text = block.text.replace("127.0.0.1:50051", runner.address)
    match block.argument:
        case "cluster server":
            runner._serve(text)
        case "cluster worker":
            work(runner, text)
        case "cluster console":
            runner._console(block, text)


def work(runner: Runner, command: str) -> None:
    """Start a worker, and wait until it works."""
    log = runner.folder / "worker-log"
    environment = {**runner.environment, "PYTHONWARNINGS": "default"}
    for server_only in ("STRETTO_LISTEN", "STRETTO_ORCHESTRATOR"):
        del environment[server_only]
    with log.open("w") as out:
        started = subprocess.Popen(
            ["bash", "-c", f"exec {command}"], cwd=runner.folder, env=environment, stdout=out, stderr=out
        )
    runner.others.append(started)
    until = time.monotonic() + SECONDS_MAX
    while "Stretto works as" not in log.read_text():
        assert started.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(LOOK_SECONDS)


def commands() -> dict[str, str]:
    """All that is started, by where it stands."""
    composed = {
        name: service["command"]
        for name, service in COMPOSE["services"].items()
        if "stretto" in service.get("command", "")
    }
    procfile = dict(line.split(": ", 1) for line in (FILES / "Procfile").read_text().splitlines())
    units = {
        unit.name: re.search(r"^ExecStart=\S*/(stretto .*)$", unit.read_text(), re.MULTILINE)[1]
        for unit in FILES.glob("systemd/*.service")
    }
    return {**{f"compose {name}": text for name, text in composed.items()}, **procfile, **units}


@pytest.mark.parametrize("where", commands())
def test_a_command_has_only_flags_that_there_are(where: str) -> None:
    program, verb, *words = shlex.split(commands()[where])
    known = {f"--{name.replace('_', '-')}" for name in SETTINGS[verb].model_fields}
    flags = {word for word in words if word.startswith("--")}
    assert program == "stretto"
    assert not {re.sub("^--no-", "--", flag) for flag in flags} - known
    assert words[-1].partition(":")[2] == "app"


def test_the_containers_fit_together() -> None:
    services = COMPOSE["services"]
    members = {name: one for name, one in services.items() if "build" in one}
    assert set(members) == {"east", "west", "worker"}
    assert members["worker"]["deploy"]["replicas"] == 3
    for one in members.values():
        store, redis = one["environment"]["STRETTO_STORE"], one["environment"]["STRETTO_REDIS"]
        who, password = services["postgres"]["environment"].values()
        assert store == f"postgresql://{who}:{password}@postgres/{who}"
        assert redis == "redis://redis:6379/0"
        assert set(one["depends_on"]) == {"postgres", "redis"}
        assert int(one["stop_grace_period"].rstrip("s")) > Settings().drain_seconds_max
    for name in one["depends_on"]:
        assert "healthcheck" in services[name], "what is waited for must say when it is there"


def test_the_image_is_made_of_files_that_there_are() -> None:
    build = COMPOSE["services"]["east"]["build"]
    context = (FILES / build["context"]).resolve()
    for line in re.findall(r"^COPY (.*)$", build["dockerfile_inline"], re.MULTILINE):
        for name in line.split()[:-1]:
            assert (context / name).exists(), name


def test_the_balancer_knows_the_servers() -> None:
    published = [port.rpartition(":")[0] for name in ("east", "west") for port in COMPOSE["services"][name]["ports"]]
    assert re.findall(r"server (\S+) max_fails", NGINX) == published
    assert f"http2_max_concurrent_streams {Settings().streams_per_connection_max};" in NGINX
    assert COMPOSE["services"]["balancer"]["network_mode"] == "host"
