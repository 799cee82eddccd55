import pytest

from stretto.workflows.project_audit.performance import Timed, performance_of
from stretto.workflows.project_audit.spent import Spent, total

COUNTED = Spent(prompt=100, answer=20, counted=True)


def test_times_and_tokens_add_up():
    timed = [Timed("comprehensive", succeeded=True, seconds=0.5), Timed("compliance", succeeded=False, seconds=0.3)]
    made = performance_of(timed, 0.5, {"comprehensive": COUNTED, "compliance": Spent(prompt=50)})
    assert made == {
        "total": "0.500000s",
        "queries": [
            {
                "name": "comprehensive",
                "succeeded": True,
                "duration": "0.500000s",
                "prompt_tokens": 100,
                "answer_tokens": 20,
            },
            {
                "name": "compliance",
                "succeeded": False,
                "duration": "0.300000s",
                "prompt_tokens": 50,
                "answer_tokens": 0,
            },
        ],
        "parallel_efficiency_percent": pytest.approx(160.0),
        "prompt_tokens": 150,
        "answer_tokens": 20,
        "tokens_counted": False,
        "queries_run": 2,
        "queries_succeeded": 1,
        "queries_failed": 1,
    }


def test_tokens_are_counted_when_all_of_them_are():
    assert total([COUNTED, COUNTED]) == Spent(prompt=200, answer=40, counted=True)
    assert not total([COUNTED, Spent()]).counted
    assert not total([]).counted


def test_what_takes_no_time_is_as_efficient_as_can_be():
    assert performance_of([], 0.0, {})["parallel_efficiency_percent"] == 100
