"""How what the branches write comes together: in any order, and with nothing lost."""

from hypothesis import given
from hypothesis import strategies as st

from stretto.workflows.fan_out import by_item, merged
from stretto.workflows.fan_out._state import key_of, settled

VALUES = st.dictionaries(st.text(max_size=3), st.integers())
WITH_NONE = st.dictionaries(st.text(max_size=3), st.none() | st.integers())


@given(VALUES, VALUES, VALUES)
def test_merging_forgets_nothing_and_takes_the_newer(a, b, c):
    assert merged(merged(a, b), c) == merged(a, merged(b, c))
    assert merged(a, b).keys() == a.keys() | b.keys()
    assert all(merged(a, b)[key] == b.get(key, a.get(key)) for key in a.keys() | b.keys())
    assert merged(a, a) == merged(a, None) == merged(None, a) == a


@given(VALUES, VALUES)
def test_branches_may_end_in_any_order(a, b):
    ours, theirs = ({f"{name}/{key}": value for key, value in each.items()} for name, each in (("a", a), ("b", b)))
    assert merged(ours, theirs) == merged(theirs, ours)


@given(VALUES, WITH_NONE)
def test_settling_takes_out_what_is_over(a, b):
    both = settled(a, b)
    assert both == {key: value for key, value in {**a, **b}.items() if value is not None}
    assert settled(both, None) == settled(None, both) == both


@given(WITH_NONE)
def test_merging_keeps_an_answer_that_is_none(a):
    assert merged(None, a) == a


@given(st.dictionaries(st.text(min_size=1), st.integers()))
def test_answers_are_found_again_by_item(answers):
    results = {key_of("jobs", item): value for item, value in answers.items()}
    assert by_item({**results, "jobs2/x": 0, "job": 0}, "jobs") == answers
