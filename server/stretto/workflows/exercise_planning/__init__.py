"""`exercise_planning`: a training plan by goal, time, equipment and injuries, which a person approves."""

from stretto.exercise.v1.exercise_plan_pb2 import (
    BODY_PART_KNEE,
    BODY_PART_SHOULDER,
    EQUIPMENT_BANDS,
    EQUIPMENT_BICYCLE,
    EQUIPMENT_DUMBBELLS,
    EQUIPMENT_GYM,
    GOAL_ENDURANCE,
    GOAL_GENERAL_FITNESS,
    GOAL_MOBILITY,
    GOAL_MUSCLE_GAIN,
    GOAL_STRENGTH,
    GOAL_WEIGHT_LOSS,
    LEVEL_BEGINNER,
    LEVEL_INTERMEDIATE,
    ExerciseDecision,
    ExercisePlan,
    ExerciseProgress,
    ExerciseRequest,
)
from stretto.server import App
from stretto.workflows.exercise_planning.graph import graph

NAME = "exercise_planning"
EXAMPLES = (
    (
        "I want to get stronger and can train three days a week.",
        ExerciseRequest(goal=GOAL_STRENGTH, days_per_week=3),
    ),
    (
        "Make me a workout plan to lose weight, 4 days a week, 30 minutes each, but I have a bad knee.",
        ExerciseRequest(goal=GOAL_WEIGHT_LOSS, days_per_week=4, minutes_per_session=30, injuries=[BODY_PART_KNEE]),
    ),
    (
        "Plan my running and endurance training for 8 weeks, five days a week; I am a beginner and have a bicycle.",
        ExerciseRequest(
            goal=GOAL_ENDURANCE, days_per_week=5, weeks=8, level=LEVEL_BEGINNER, equipment=[EQUIPMENT_BICYCLE]
        ),
    ),
    (
        "I need a mobility routine for two days a week with bands, my shoulder hurts.",
        ExerciseRequest(
            goal=GOAL_MOBILITY, days_per_week=2, injuries=[BODY_PART_SHOULDER], equipment=[EQUIPMENT_BANDS]
        ),
    ),
    (
        "Help me build muscle with dumbbells, 4 sessions a week, intermediate level.",
        ExerciseRequest(
            goal=GOAL_MUSCLE_GAIN, days_per_week=4, level=LEVEL_INTERMEDIATE, equipment=[EQUIPMENT_DUMBBELLS]
        ),
    ),
    (
        "Give me a general fitness programme for the gym, twice a week for 6 weeks.",
        ExerciseRequest(goal=GOAL_GENERAL_FITNESS, days_per_week=2, weeks=6, equipment=[EQUIPMENT_GYM]),
    ),
)


def register(app: App) -> None:
    """Tell an app about this workflow type."""
    app.workflow(
        NAME,
        graph,
        description=(
            "Plans workouts and training: sessions, exercises and progress over weeks for a fitness goal such as "
            "strength, endurance, weight loss or mobility, around injuries and with the equipment that there is."
        ),
        input=ExerciseRequest,
        result=ExercisePlan,
        progress=ExerciseProgress,
        decision={"awaiting_approval": ExerciseDecision},
        examples=EXAMPLES,
        to_input=lambda request: {"request": request},
        to_result=lambda state: state["plan"],
    )
