import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stretto.workflows.exercise_planning.design import DAYS, design, focuses
from stretto.workflows.exercise_planning.movements import BY_NAME, TABLE, Pattern, available
from stretto.workflows.exercise_planning.safety import make_safe, warnings_of
from stretto.workflows.exercise_planning.schedule import schedule
from stretto.workflows.exercise_planning.volume import lifting
from stretto.workflows.exercise_planning.wishes import BodyPart, Equipment, Goal, Level, Wishes, changed, wishes_of


def some(kind):
    return st.lists(st.sampled_from(kind), unique=True).map(tuple)


WISHES = st.builds(
    Wishes,
    goal=st.sampled_from(Goal),
    days_per_week=st.integers(1, 7),
    weeks=st.integers(1, 12),
    minutes_per_session=st.integers(10, 180),
    level=st.sampled_from(Level),
    injuries=some(BodyPart),
    equipment=some(Equipment),
)


def planned(wishes):
    sketches, substitutions = make_safe(design(wishes), wishes)
    return schedule(sketches, wishes), sketches, substitutions


def strength(**wishes):
    return Wishes(**{"goal": Goal.STRENGTH, "days_per_week": 3, **wishes})


@given(WISHES)
def test_no_exercise_loads_what_is_hurt(wishes):
    weeks, _, substitutions = planned(wishes)
    for week in weeks:
        for session in week.sessions:
            for exercise in session.exercises:
                assert not BY_NAME[exercise.name].loads.intersection(wishes.injuries)
    for substitution in substitutions:
        assert substitution.injury in BY_NAME[substitution.exercise].loads


@given(WISHES)
def test_every_session_has_something_to_do_and_fits_the_time(wishes):
    weeks, _, _ = planned(wishes)
    assert [week.number for week in weeks] == list(range(1, wishes.weeks + 1))
    for week in weeks:
        assert tuple(session.day for session in week.sessions) == DAYS[wishes.days_per_week]
        for session in week.sessions:
            assert session.exercises
            assert session.minutes <= wishes.minutes_per_session
            assert session.minutes * 60 >= session.warm_up_minutes * 60 + sum(e.duration for e in session.exercises)
            names = [exercise.name for exercise in session.exercises]
            assert len(names) == len(set(names))


@given(WISHES)
def test_exercises_suit_the_level_and_need_what_is_there(wishes):
    weeks, _, _ = planned(wishes)
    fitting = {movement.name for movement in available(wishes)}
    has = set(Equipment) if Equipment.GYM in wishes.equipment else set(wishes.equipment)
    assert all(BY_NAME[name].needs <= has for name in fitting)
    assert {exercise.name for week in weeks for session in week.sessions for exercise in session.exercises} <= fitting


@given(WISHES)
def test_an_easy_week_is_easier_than_the_one_before(wishes):
    weeks, _, _ = planned(wishes)
    for before, week in pairwise(weeks):
        assert week.deload == (week.number % 4 == 0)
        for hard, easy in zip(before.sessions, week.sessions, strict=True):
            if week.deload:
                assert easy.minutes <= hard.minutes
                for heavy, light in zip(hard.exercises, easy.exercises, strict=True):
                    assert heavy.load_percent > light.load_percent or heavy.load_percent == light.load_percent == 0


@given(WISHES)
def test_the_same_wishes_give_the_same_plan(wishes):
    assert planned(wishes) == planned(wishes)
    assert warnings_of(wishes, *planned(wishes)[1:]) == warnings_of(wishes, *planned(wishes)[1:])


def test_the_table_has_something_for_everybody():
    for pattern in Pattern:
        assert any(m.pattern is pattern and not m.loads and not m.needs and m.level is Level.BEGINNER for m in TABLE)
    assert len(BY_NAME) == len(TABLE)


def test_weights_grow_and_what_has_no_weight_gets_longer():
    squat, push_up = BY_NAME["Goblet squat"], BY_NAME["Incline push-up"]
    wishes = strength(weeks=5)
    assert [lifting(squat, week, 3, wishes).load_percent for week in range(1, 6)] == [100, 105, 110, 80, 115]
    assert [lifting(push_up, week, 3, wishes).repetitions for week in range(1, 6)] == [5, 6, 7, 5, 8]
    assert [lifting(push_up, week, 3, wishes).sets for week in range(1, 6)] == [3, 3, 3, 2, 3]


def test_a_goal_shapes_the_week():
    assert focuses(Goal.STRENGTH, 4) == ("upper body", "lower body", "upper body", "lower body")
    assert focuses(Goal.ENDURANCE, 3) == ("easy cardio", "cardio and core", "long cardio")
    assert focuses(Goal.WEIGHT_LOSS, 7)[-1] == "recovery"


def test_a_bad_knee_is_substituted_for():
    weeks, _, substitutions = planned(strength(injuries=(BodyPart.KNEE,)))
    assert [(s.day, s.exercise, s.substitute, s.injury) for s in substitutions] == [
        ("Wednesday", "Bodyweight squat", "Side-lying leg raise", BodyPart.KNEE),
        ("Wednesday", "Box squat to a chair", "Standing calf raise", BodyPart.KNEE),
        ("Friday", "Bird dog", "Plank", BodyPart.KNEE),
    ]
    assert "Side-lying leg raise" in [exercise.name for exercise in weeks[0].sessions[1].exercises]


def test_equipment_is_used():
    weeks, _, _ = planned(strength(equipment=(Equipment.GYM,), level=Level.ADVANCED, minutes_per_session=90))
    names = [exercise.name for session in weeks[0].sessions for exercise in session.exercises]
    assert {"Barbell overhead press", "Barbell deadlift", "Bulgarian split squat"} <= set(names)


@pytest.mark.parametrize(
    ("wishes", "warning"),
    [
        (strength(days_per_week=7), "7 days a week are a lot for a beginner"),
        (strength(days_per_week=7, level=Level.ADVANCED), "no day of rest"),
        (strength(minutes_per_session=15), "15 minutes leave room for few sets only, because strength needs rests"),
        (strength(days_per_week=1), "One day a week keeps what is there"),
        (strength(injuries=(BodyPart.KNEE,)), r"Ask a physician .* \(knee\)"),
        (strength(injuries=tuple(BodyPart)), "next to nothing for core, hip hinging, pulling, pushing, squatting"),
    ],
)
def test_what_to_be_careful_about_is_told(wishes, warning):
    _, sketches, substitutions = planned(wishes)
    assert re.search(warning, " ".join(warnings_of(wishes, sketches, substitutions)))


def test_a_modest_plan_has_no_warnings():
    _, sketches, substitutions = planned(strength())
    assert warnings_of(strength(), sketches, substitutions) == ()


def test_a_request_gets_its_defaults():
    request = {"goal": "GOAL_MOBILITY", "days_per_week": 2, "weeks": None, "level": "LEVEL_UNSPECIFIED"}
    wishes = wishes_of({**request, "injuries": ["BODY_PART_KNEE", "BODY_PART_KNEE"]})
    assert (wishes.weeks, wishes.minutes_per_session, wishes.level) == (4, 45, Level.BEGINNER)
    assert wishes.injuries == (BodyPart.KNEE,)


def test_an_edit_adds_injuries_and_replaces_all_else():
    wishes = strength(injuries=(BodyPart.KNEE,), equipment=(Equipment.BANDS,))
    edited = changed(wishes, {"injuries": ["BODY_PART_WRIST"], "equipment": ["EQUIPMENT_BENCH"], "days_per_week": 2})
    assert edited.injuries == (BodyPart.KNEE, BodyPart.WRIST)
    assert (edited.equipment, edited.days_per_week, edited.goal) == ((Equipment.BENCH,), 2, Goal.STRENGTH)
