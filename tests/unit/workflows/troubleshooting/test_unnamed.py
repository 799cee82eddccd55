import pytest

from stretto.workflows.troubleshooting.unnamed import UNNAMED_MAX, unnamed


@pytest.mark.parametrize(
    ("message", "names"),
    [
        ("Why did payroll fail?", ["payroll"]),
        ('Why did "../../etc/passwd" fail?', ["../../etc/passwd"]),
        ("Why has \u201ca/b\u201d failed?", ["a/b"]),
        ("Payroll has failed twice", ["Payroll"]),
        ("Troubleshoot the payroll job", ["payroll"]),
        ("Troubleshoot job payroll", ["payroll"]),
        ("What went wrong with the payroll?", ["payroll"]),
        ("payroll crashed, and billing is broken", ["payroll", "billing"]),
        ("payroll failed and payroll crashed", ["payroll"]),
    ],
)
def test_what_stands_where_a_name_would_may_be_one(message, names):
    assert list(unnamed(message)) == names


@pytest.mark.parametrize(
    "message",
    [
        "Why did nightly-etl fail?", 'Why did "payroll" fail?', "Which jobs failed last night?",
        "Everything is broken!", "Why did the jobs of last night fail?", "Look into the jobs that failed last night",
        "The last job failed", "Did all jobs on worker-3 fail?", "Why did it fail?",
        "My job crashed", "the job failed with exit code 3",
        "the job raised 'KeyError'", "It says `MemoryError`", "What happened to us?", "a pipeline broke", "",
        "We had an outage at 3 am, find the root cause", "'No space left on device'", "Are there any failed jobs?",
    ],
)  # fmt: skip
def test_other_words_are_no_names(message):
    assert unnamed(message) == ()


def test_no_more_are_told_than_may_be_names():
    assert len(unnamed(" ".join(f"'a/{number}'" for number in range(UNNAMED_MAX + 1)))) == UNNAMED_MAX
