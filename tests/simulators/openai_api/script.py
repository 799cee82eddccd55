"""What a simulator is told to do with the next requests."""

from collections import deque
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class Behaviour(BaseModel):
    """How one request is answered, or several alike. What is left out goes well."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    repeat: int = Field(default=1, ge=0, description="Requests that this holds for; 0 for all that follow.")
    asked: str = Field(default="", description="Only for requests whose system message has these words.")
    delay_seconds: float = Field(default=0, ge=0, description="Time before anything is sent.")
    hang: bool = Field(default=False, description="Take the request and never answer.")
    status: int = Field(default=200, description="Refuse with an error body, unless 200.")
    retry_after: str = Field(default="", description="The header of that name.")
    body: str | None = Field(default=None, description="Answer 200 with this instead of what the protocol asks for.")
    text: str | None = Field(default=None, description="The model's answer.")
    answer: Any = Field(default=None, description="The model's answer, as a JSON value.")
    token_seconds: float = Field(default=0, ge=0, description="Time between the tokens of a stream.")
    cut_after: int | None = Field(default=None, description="Reset the connection after so many tokens.")
    end_after: int | None = Field(default=None, description="End the stream properly, but too early, after so many.")
    counts: bool = Field(default=True, description="Say what an answer cost, where that is asked for.")
    refuses_field: str = Field(default="", description="Refuse requests that have this field, as strict servers do.")
    fail_after: int | None = Field(default=None, description="Send an error into the stream after so many tokens.")


class Script:
    """The behaviours to come."""

    def __init__(self) -> None:
        self._ahead: deque[Behaviour] = deque()

    def read(self, text: bytes) -> None:
        """Replace what is left by a JSON list of behaviours."""
        self._ahead = deque(TypeAdapter(list[Behaviour]).validate_json(text))

    def clear(self) -> None:
        self._ahead.clear()

    def next(self, system: str = "") -> Behaviour:
        """The behaviour for the request that came, which has such a system message."""
        for number, behaviour in enumerate(self._ahead):
            if behaviour.asked in system:
                self._use(number, behaviour)
                return behaviour
        return Behaviour()

    def _use(self, number: int, behaviour: Behaviour) -> None:
        if behaviour.repeat == 1:
            del self._ahead[number]
        elif behaviour.repeat > 1:
            self._ahead[number] = behaviour.model_copy(update={"repeat": behaviour.repeat - 1})
