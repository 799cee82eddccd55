import asyncio
import json
import urllib.error
import urllib.parse
import urllib.request

import pytest

from stretto.workflows.troubleshooting import _http
from stretto.workflows.troubleshooting.errors import SourceUnavailable
from stretto.workflows.troubleshooting.metrics import READINGS_MAX, MetricReading, Metrics
from tests.simulators.prometheus.samples import machine, service

PATIENCE = 60
"""Seconds for calls that must not run out of time, however busy the machine is."""


@pytest.fixture
async def metrics(prometheus_api):
    made = Metrics(prometheus_api.url, seconds_max=PATIENCE)
    yield made
    await made.aclose()


@pytest.fixture
async def hasty(prometheus_api):
    """One with little patience."""
    made = Metrics(prometheus_api.url, seconds_max=0.2)
    yield made
    await made.aclose()


async def why(asked):
    with pytest.raises(SourceUnavailable) as caught:
        await asked
    return str(caught.value)


def values(readings):
    return {(reading.instance, reading.name): reading.value for reading in readings}


def series(name, value, instance="a:9100", per_second=0, **labels):
    return {"metric": {"__name__": name, "instance": instance, **labels}, "value": value, "per_second": per_second}


# What is read.


async def test_a_machine_is_told_with_what_it_uses(metrics, prometheus_api):
    used = {"/": 40, "/data": 97.5}
    prometheus_api.samples(
        machine("w:9100", memory_used=91.25, cpu_used=90, disks_used=used, load_per_core=1.5) + machine("x:9100")
    )
    assert await metrics.readings("w:9100") == [
        MetricReading(name="disk_used", instance="w:9100", value=97.5, unit="percent", threshold=90, exceeded=True),
        MetricReading(name="memory_used", instance="w:9100", value=91.25, unit="percent", threshold=90, exceeded=True),
        MetricReading(name="cpu_used", instance="w:9100", value=90, unit="percent", threshold=90),
        MetricReading(name="load_per_core", instance="w:9100", value=1.5, unit="tasks", threshold=2),
    ]
    assert prometheus_api.count() == 1


async def test_a_service_is_told_with_its_errors_and_its_slowness(metrics, prometheus_api):
    prometheus_api.samples(service("web:8080", errors=7.5, p99_seconds=0.5))
    assert await metrics.readings() == [
        MetricReading(name="error_rate", instance="web:8080", value=7.5, unit="percent", threshold=5, exceeded=True),
        MetricReading(name="response_p99", instance="web:8080", value=0.5, unit="seconds", threshold=1),
    ]


async def test_errors_are_counted_whichever_of_its_names_the_label_has(metrics, prometheus_api):
    requests = [series("http_requests_total", 1, per_second=rate, code=code) for code, rate in (("200", 3), ("503", 1))]
    prometheus_api.samples(requests)
    assert values(await metrics.readings()) == {("a:9100", "error_rate"): 25}


async def test_all_instances_are_told_the_worst_first(metrics, prometheus_api):
    machines = [machine("a:9100", memory_used=93), machine("b:9100", memory_used=99), machine("c:9100")]
    prometheus_api.samples([sample for each in machines for sample in each])
    readings = await metrics.readings()
    worst = [(reading.instance, reading.exceeded) for reading in readings[:3]]
    assert worst == [("b:9100", True), ("a:9100", True), ("c:9100", False)]
    shares = [reading.value / reading.threshold for reading in readings[2:]]
    assert shares == sorted(shares, reverse=True)
    assert len(readings) == 12


async def test_no_more_are_told_than_somebody_can_read(metrics, prometheus_api):
    fleet = [machine(f"w{number:03}:9100", memory_used=number) for number in range(100)]
    prometheus_api.samples([sample for each in fleet for sample in each])
    readings = await metrics.readings()
    assert len(readings) == READINGS_MAX
    assert readings[0].instance == "w099:9100"


async def test_nothing_is_told_where_nothing_is_measured(metrics):
    assert await metrics.readings() == []


async def test_what_is_not_measured_is_left_out(metrics, prometheus_api):
    prometheus_api.samples([series("node_memory_MemTotal_bytes", 8), series("node_memory_MemAvailable_bytes", 2)])
    assert values(await metrics.readings()) == {("a:9100", "memory_used"): 75}


async def test_a_share_of_nothing_is_left_out(metrics, prometheus_api):
    requests = [series("http_requests_total", 1, per_second=0, status="500")]
    disks = [series(f"node_filesystem_{kind}_bytes", 0, fstype="ext4") for kind in ("size", "avail")]
    prometheus_api.samples(requests + disks)
    assert await metrics.readings() == []


@pytest.mark.parametrize("kind", ["tmpfs", "squashfs", "overlay"])
async def test_disks_without_a_disk_do_not_count(metrics, prometheus_api, kind):
    full = [series("node_filesystem_size_bytes", 8, fstype=kind), series("node_filesystem_avail_bytes", 0, fstype=kind)]
    prometheus_api.samples(full)
    assert await metrics.readings() == []


async def test_idle_time_alone_counts_as_unused(metrics, prometheus_api):
    modes = {"idle": 0.25, "user": 0.5, "iowait": 0.25}
    prometheus_api.samples(
        [series("node_cpu_seconds_total", 1, per_second=rate, mode=mode, cpu="0") for mode, rate in modes.items()]
    )
    assert values(await metrics.readings()) == {("a:9100", "cpu_used"): 75}


async def test_an_instance_that_is_measured_twice_is_told_once_by_its_worse_value(metrics, prometheus_api):
    twice = [{**sample, "metric": {**sample["metric"], "job": "again"}} for sample in machine("w:9100", memory_used=95)]
    prometheus_api.samples(machine("w:9100", memory_used=20) + twice)
    found = [reading.value for reading in await metrics.readings() if reading.name == "memory_used"]
    assert found == [95]


# Instances.


@pytest.mark.parametrize(
    ("instance", "found"),
    [
        ("worker-3:9100", {"worker-3:9100"}),
        ("worker-3:91", set()),
        ("worker-3", {"worker-3:9100", "worker-3:9256", "worker-3"}),
        ("worker.3", set()),
        ("worker", set()),
        (".*", set()),
        ("", {"worker-3:9100", "worker-3:9256", "worker-3", "worker-30:9100"}),
        (None, {"worker-3:9100", "worker-3:9256", "worker-3", "worker-30:9100"}),
    ],
)
async def test_an_instance_without_a_port_is_the_machine(metrics, prometheus_api, instance, found):
    names = ("worker-3:9100", "worker-3:9256", "worker-3", "worker-30:9100")
    prometheus_api.samples([sample for name in names for sample in machine(name)])
    assert {reading.instance for reading in await metrics.readings(instance)} == found


@pytest.mark.parametrize(
    "name", ['a"b', "a\\b", "a\nb", "a{b}", "$i", "größe 機", 'x"} or vector(1) or a{b="', "a|b", "(", "a%20b&c=d#e+f"]
)
@pytest.mark.parametrize("port", ["", ":9100"])
async def test_an_instance_of_any_name_is_found_and_nothing_else(metrics, prometheus_api, name, port):
    prometheus_api.samples(machine(name + port) + machine("other:9100"))
    assert {reading.instance for reading in await metrics.readings(name + port)} == {name + port}


# What goes wrong.


@pytest.mark.parametrize("status", [400, 422])
async def test_what_cannot_be_asked_in_one_is_asked_side_by_side(metrics, prometheus_api, status):
    prometheus_api.samples(machine("w:9100"))
    prometheus_api.faults({"status": status})
    names = {reading.name for reading in await metrics.readings()}
    assert names == {"memory_used", "cpu_used", "disk_used", "load_per_core"}
    assert prometheus_api.count() == 7


async def test_what_fails_alone_is_left_out(metrics, prometheus_api):
    prometheus_api.samples(machine("w:9100"))
    prometheus_api.faults({"path": "MemTotal", "status": 422, "repeat": 0})
    names = {reading.name for reading in await metrics.readings()}
    assert names == {"cpu_used", "disk_used", "load_per_core"}


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"status": 400}, "answered with 400 Bad Request"),
        ({"status": 422}, "answered with 422 Unprocessable Entity"),
        ({"status": 401}, "wants a token (401)"),
        ({"status": 403}, "does not allow what was asked for (403)"),
        ({"status": 404}, "has nothing at the path that was asked for (404)"),
        ({"status": 500}, "answered with 500 Internal Server Error"),
        ({"status": 503}, "answered with 503 Service Unavailable"),
        ({"body": "<html>"}, "answered with something else than JSON"),
        ({"body": "{}"}, "answered in a form that is not known: status: Field required"),
        ({"body": '{"status": "error", "errorType": "timeout"}'}, "answered in a form that is not known: status: "),
        (
            {"body": '{"status": "success", "data": {"resultType": "scalar", "result": [1, "2"]}}'},
            "answered in a form that is not known: data.resultType: ",
        ),
        (
            {"body": '{"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}}]}}'},
            "answered in a form that is not known: data.result.0.value: Field required",
        ),
        ({"cut": True}, "broke off its answer"),
        ({"size": _http.RESPONSE_BYTES_MAX + 1}, "answered with more than 4194304 bytes"),
    ],
)
async def test_what_goes_wrong_is_told_in_plain_words(metrics, prometheus_api, fault, told):
    prometheus_api.faults({**fault, "repeat": 0})
    message = await why(metrics.readings("w:9100"))
    assert message.startswith(f"The metrics at {prometheus_api.url} {told}")
    assert "node_" not in message


@pytest.mark.parametrize("fault", [{"hang": True}, {"stall": '{"status": '}])
async def test_one_that_does_not_answer_is_given_up(hasty, prometheus_api, fault):
    prometheus_api.faults(fault)
    assert (await why(hasty.readings())).endswith("did not answer within 0.2 s.")


async def test_an_address_may_have_a_path_and_a_slash(prometheus_api):
    metrics = Metrics(f"{prometheus_api.url}/prefix/", seconds_max=PATIENCE)
    assert "(404)" in await why(metrics.readings())
    assert prometheus_api.requests()[0]["path"] == "/prefix/api/v1/query"
    await metrics.aclose()


async def test_values_that_are_no_numbers_are_left_out(metrics, prometheus_api):
    result = [
        {"metric": {"reading": "memory_used", "instance": name}, "value": [1, value]}
        for name, value in (("a", "NaN"), ("b", "+Inf"), ("c", "-Inf"), ("d", "1e1"))
    ]
    result.append({"metric": {"reading": "another"}, "value": [1, "1"]})
    answer = {"status": "success", "data": {"resultType": "vector", "result": result}}
    prometheus_api.faults({"body": json.dumps(answer)})
    assert values(await metrics.readings()) == {("d", "memory_used"): 10}


async def test_a_call_that_is_given_up_leaves_its_connection_to_others(monkeypatch, prometheus_api):
    monkeypatch.setattr(_http, "CONNECTIONS_MAX", 1)
    metrics = Metrics(prometheus_api.url, seconds_max=PATIENCE)
    prometheus_api.samples(machine("w:9100"))
    prometheus_api.faults({"hang": True})
    call = asyncio.ensure_future(metrics.readings())
    while not prometheus_api.count():
        await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert len(await metrics.readings()) == 4
    await metrics.aclose()


async def test_a_hundred_calls_at_once_are_all_answered(metrics, prometheus_api):
    prometheus_api.samples([sample for number in range(100) for sample in machine(f"w{number}:9100")])
    answers = await asyncio.gather(*(metrics.readings(f"w{number}:9100") for number in range(100)))
    assert [{reading.instance for reading in readings} for readings in answers] == [
        {f"w{number}:9100"} for number in range(100)
    ]


# The simulator.


def asked(api, query):
    with urllib.request.urlopen(f"{api.url}/api/v1/query?{urllib.parse.urlencode({'query': query})}") as response:
        return json.load(response)["data"]["result"]


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("1 + 2 * 3 - 4 / 2", "5"),
        ("x", [("x", "2"), ("x", "3")]),
        ('x{a="1"} * 2', [("", "4")]),
        ("x / x", [("", "1"), ("", "1")]),
        ("sum(x)", [("", "5")]),
        ("max by (a) (x)", [("", "2"), ("", "3")]),
        ('x{a!~"1|5"} or y', [("x", "3"), ("y", "7")]),
        ("(x - x) / 0", [("", "NaN"), ("", "NaN")]),
    ],
)
async def test_the_simulator_evaluates_as_prometheus_does(prometheus_api, query, answer):
    samples = [series("x", 2, a="1"), series("x", 3, a="2"), series("y", 7, a="3")]
    prometheus_api.samples(samples)
    found = await asyncio.to_thread(asked, prometheus_api, query)
    if isinstance(answer, str):
        assert found[1] == answer
    else:
        assert [(each["metric"].get("__name__", ""), each["value"][1]) for each in found] == answer


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [
        ("", 400, "bad_data"),
        ("x{", 400, "bad_data"),
        ("predict_linear(x[5m], 3)", 400, "bad_data"),
        ("rate(x)", 400, "bad_data"),
        ('x{a=~"("}', 400, "bad_data"),
        ("x @ 3", 400, "bad_data"),
        ('label_replace(x, "a", "same", "a", ".*")', 422, "execution"),
    ],
)
async def test_the_simulator_refuses_as_prometheus_does(prometheus_api, query, status, kind):
    prometheus_api.samples([series("x", 2, a="1"), series("x", 3, a="2")])
    with pytest.raises(urllib.error.HTTPError) as caught:
        await asyncio.to_thread(asked, prometheus_api, query)
    with caught.value as error:
        assert (error.code, json.load(error)["errorType"]) == (status, kind)
