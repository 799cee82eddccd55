"""What a turn will do: the outcome of triage. A chat model fills it in too, so its words explain themselves."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Launch(_Part):
    """A workflow to start."""

    workflow_type: str = Field(description="Name of one of the known workflow types.")
    input: dict[str, Any] = Field(description="Its input; must satisfy the type's input schema.")


class Decision(_Part):
    """The answer to an open question of a workflow."""

    interrupt_id: str = Field(description="Id of one of the open questions.")
    decision: dict[str, Any] = Field(description="Must satisfy the question's decision schema.")


class Plan(_Part):
    """What to do with a user's message. Only the fields of its kind are filled in."""

    kind: Literal["launch", "answer", "decide", "cancel", "ask_back"] = Field(
        description="launch: start workflows. answer: reply from what is known. decide: answer an open question. "
        "cancel: stop workflows. ask_back: ask the user for what is missing or unclear."
    )
    launches: tuple[Launch, ...] = Field(default=(), description="For launch: what to start, at least one.")
    decisions: tuple[Decision, ...] = Field(default=(), description="For decide: at least one.")
    cancels: tuple[str, ...] = Field(default=(), description="For cancel: ids of the workflows to stop.")
    text: str = Field(
        default="",
        description="For ask_back: the question to the user. Otherwise may stay empty.",
    )
    asks_about: str = Field(
        default="",
        description="For ask_back: the workflow type or interrupt id that the question is about; may stay empty.",
    )

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> "Plan":
        needed = {"launch": "launches", "decide": "decisions", "cancel": "cancels", "ask_back": "text"}.get(self.kind)
        if needed and not getattr(self, needed):
            raise ValueError(f"a plan of kind {self.kind} needs {needed}")
        return self
