import asyncio

import pytest
from structlog.testing import capture_logs

from stretto.server.app import supervisor as supervisor_module
from stretto.server.app.supervisor import Supervisor
from stretto.server.domain.errors import RegistrationError
from stretto.server.domain.settings import Settings
from stretto.server.domain.workflow_type import WorkflowType

TYPES = (WorkflowType(name="greets", version="1"), WorkflowType(name="asks", version="1"))


class Fakes:
    """Stands in for the class of executor processes; each start ends as `outcomes` says, then all are fine."""

    def __init__(self, monkeypatch):
        self.made, self.closed, self.outcomes = [], [], []
        monkeypatch.setattr(supervisor_module, "ExecutorProcess", self)
        monkeypatch.setattr(supervisor_module, "RESTART_SECONDS_MIN", 0.001)

    def __call__(self, ledger, ended, died, **more):
        self.more = more
        fake = Fake(self, died, len(self.made) + 1)
        self.made.append(fake)
        return fake


class Fake:
    def __init__(self, fakes, died, pid):
        self.fakes, self.died, self.pid = fakes, died, pid
        self.spoke = 0

    async def start(self, targets):
        await asyncio.sleep(0)
        outcome = self.fakes.outcomes.pop(0) if self.fakes.outcomes else TYPES
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def speak(self):
        self.spoke += 1

    async def close(self):
        self.fakes.closed.append(self.pid)


class Dispatcher:
    """Notes who came and who went."""

    def __init__(self):
        self.seen = asyncio.Queue()

    def executor_joined(self, executor):
        self.seen.put_nowait(("joined", executor.pid))

    def executor_died(self, executor):
        self.seen.put_nowait(("died", executor.pid))


@pytest.fixture
def fakes(monkeypatch):
    return Fakes(monkeypatch)


def supervisor_of(count):
    supervisor = Supervisor(
        Settings(executors=count), ["a:b"], None, lambda: counts.append(supervisor.alive_count), count=count
    )
    counts = supervisor.counts = []
    return supervisor


@pytest.fixture
async def two(fakes):
    """A supervisor of two executors, and its dispatcher."""
    supervisor, dispatcher = supervisor_of(2), Dispatcher()
    assert await supervisor.start() == TYPES
    supervisor.give_to(dispatcher)
    assert {await dispatcher.seen.get() for _ in range(2)} == {("joined", 1), ("joined", 2)}
    yield supervisor, dispatcher
    await supervisor.close()


async def test_replacements_that_cannot_start_do_not_multiply(fakes, two):
    supervisor, dispatcher = two
    fakes.outcomes = [RegistrationError("died while loading"), OSError("cannot fork"), RegistrationError("again")]
    with capture_logs() as logs:
        fakes.made[0].died()
        fakes.made[1].died()
        seen = [await dispatcher.seen.get() for _ in range(4)]
    assert [what for what, _ in seen] == ["died", "died", "joined", "joined"]
    assert len({pid for _, pid in seen}) == 4
    assert len(fakes.made) == 2 + 3 + 2
    assert sorted(fakes.closed) == sorted({fake.pid for fake in fakes.made} - {pid for what, pid in seen[2:]})
    assert [line["event"] for line in logs].count("executor_not_restarted") == 3
    assert supervisor.counts == [1, 0, 1, 2]


async def test_one_executor_speaks_for_all_when_a_server_starts_and_no_replacement_does(fakes, two):
    _, dispatcher = two
    fakes.made[0].died()
    while await dispatcher.seen.get() != ("joined", 3):
        pass
    assert sorted(fake.spoke for fake in fakes.made) == [0, 0, 1]


async def test_a_death_that_is_told_twice_is_passed_on_twice_and_replaced_once(fakes, two):
    _, dispatcher = two
    fakes.made[0].died()
    assert [await dispatcher.seen.get() for _ in range(2)] == [("died", 1), ("joined", 3)]
    fakes.made[0].died()
    assert await dispatcher.seen.get() == ("died", 1)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(fakes.made) == 3


async def test_an_executor_that_dies_before_there_is_a_dispatcher_is_replaced(fakes):
    supervisor, dispatcher = supervisor_of(1), Dispatcher()
    await supervisor.start()
    fakes.made[0].died()
    supervisor.give_to(dispatcher)
    assert await dispatcher.seen.get() == ("joined", 2)
    await supervisor.close()


async def test_a_first_start_that_fails_leaves_nothing_behind(fakes):
    fakes.outcomes = [RegistrationError("no such module"), TYPES]
    supervisor = supervisor_of(2)
    with pytest.raises(RegistrationError, match="no such module"):
        await supervisor.start()
    await supervisor.close()
    assert sorted(set(fakes.closed)) == [1, 2]


async def test_a_replacement_with_other_graphs_is_warned_of(fakes, two):
    _, dispatcher = two
    fakes.outcomes = [(TYPES[0], WorkflowType(name="asks", version="2"), WorkflowType(name="new"))]
    with capture_logs() as logs:
        fakes.made[0].died()
        while await dispatcher.seen.get() != ("joined", 3):
            pass
    warning = next(line for line in logs if line["event"] == "executor_has_other_graphs")
    assert (warning["missing"], warning["unknown"]) == (["asks 1"], ["asks 2", "new 1"])


async def test_pauses_grow_up_to_a_limit(monkeypatch, fakes):
    pauses = []

    async def sleep(seconds):
        pauses.append(seconds)

    monkeypatch.setattr(supervisor_module.asyncio, "sleep", sleep)
    monkeypatch.setattr(supervisor_module, "RESTART_SECONDS_MIN", 1.0)
    for failures in (1, 2, 3, 10, 10_000):
        await supervisor_of(1)._pause(OSError("no"), failures)
    for pause, longest in zip(pauses, (1, 2, 4, 30, 30), strict=True):
        assert longest / 2 <= pause <= longest


async def test_executors_do_as_the_flags_of_the_server_say(fakes):
    settings = Settings(log_level="debug", log_format="text", model="openai:tiny", model_url="http://here/v1", pace=0.5)
    supervisor = Supervisor(settings, ["a:b"], None, lambda: None, count=settings.executors)
    await supervisor.start()
    await supervisor.close()
    assert fakes.more["environment"] == {
        "STRETTO_LOG_LEVEL": "debug",
        "STRETTO_LOG_FORMAT": "text",
        "STRETTO_TURN_SECONDS_MAX": "30.0",
        "STRETTO_MODEL": "openai:tiny",
        "STRETTO_MODEL_URL": "http://here/v1",
        "STRETTO_MODEL_SECONDS_MAX": "8.0",
        "STRETTO_MODEL_ATTEMPTS_MAX": "2",
        "STRETTO_PACE": "0.5",
    }
    assert fakes.more["stall_seconds_max"] == 300
