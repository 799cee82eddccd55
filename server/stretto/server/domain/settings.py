"""What can be set: one frozen model, filled from flags and from STRETTO_* once, checked at birth."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

PORT_MAX = 65_535


class Settings(BaseModel):
    """How a server behaves. Every field is a flag of `stretto serve` and a variable `STRETTO_<NAME>`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    listen: Annotated[str, Field(description="Host and port to listen on. Port 0 takes a free one.")] = (
        "127.0.0.1:50051"
    )
    store: Annotated[
        str,
        Field(
            description="Where everything is kept: `sqlite:PATH`, `postgresql://…`, `redis://…`, or `memory:` for "
            "nowhere. A SQLite file in the user's data folder when left out."
        ),
    ] = ""
    redis: Annotated[
        str,
        Field(
            pattern=r"^((redis|rediss|unix)://\S+)?$",
            description="Redis or Valkey through which servers and workers that share a store divide the work, as "
            "`redis://HOST:PORT/DB`. Without it, one server has its store to itself.",
        ),
    ] = ""
    name: Annotated[
        str,
        Field(
            pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,62})?$",
            description="What this server or worker is called among those that share a store; a few letters are added "
            "to it, so that each start has an id of its own.",
        ),
    ] = ""
    lease_seconds: Annotated[
        float,
        Field(
            ge=0.5,
            le=600,
            description="Silence of a server or worker after which others take over the workflows that it ran.",
        ),
    ] = 10.0
    run_workflows: Annotated[
        bool,
        Field(description="Whether this server runs workflows itself; without it, workers must (`stretto worker`)."),
    ] = True
    types: Annotated[
        tuple[str, ...],
        Field(description="Workflow types to run here; all those of its apps when none is named. For workers."),
    ] = ()
    executors: Annotated[int, Field(ge=1, le=64, description="Processes that run graphs.")] = 1
    concurrency_max: Annotated[
        int, Field(ge=1, le=100_000, description="Workflows that run at once; more wait in a queue.")
    ] = 1_000
    queue_max: Annotated[
        int,
        Field(
            ge=1,
            description="Workflows that may wait in the queue; more starts are refused with OVERLOADED. So many "
            "messages may wait besides.",
        ),
    ] = 100_000
    crashes_max: Annotated[
        int,
        Field(
            ge=1, description="Deaths of an executor, without a finished step in between, that quarantine a workflow."
        ),
    ] = 3
    executor_stall_seconds_max: Annotated[
        float,
        Field(
            ge=0,
            description="Time for which a step may block its executor before that one is killed and replaced, "
            "which counts as a death; 0 for ever.",
        ),
    ] = 300.0
    cancel_grace_seconds: Annotated[
        float, Field(ge=0, description="Time that running steps have to stop after a cancel before they are abandoned.")
    ] = 10.0
    drain_seconds_max: Annotated[
        float, Field(ge=0, le=3_600, description="Time that running steps have to finish after SIGTERM.")
    ] = 20.0
    bookmark_seconds: Annotated[
        float, Field(gt=0, le=15, description="Silence on a watch stream after which a bookmark is sent.")
    ] = 10.0
    message_bytes_max: Annotated[
        int, Field(ge=65_536, le=268_435_456, description="Largest message that the server takes or sends.")
    ] = 4 * 1024 * 1024
    streams_per_connection_max: Annotated[
        int, Field(ge=1, description="Calls that one connection may have open at once; further ones wait their turn.")
    ] = 2_000
    watchers_max: Annotated[
        int, Field(ge=1, description="Watch streams that may be open at once; more are refused with OVERLOADED.")
    ] = 10_000
    orchestrator: Annotated[
        bool,
        Field(description="Whether the server takes messages: runs the main orchestrator, in a process of its own."),
    ] = True
    turn_seconds_max: Annotated[
        float,
        Field(
            gt=0,
            le=600,
            description="Time that the reply to a message may take, its wait behind earlier messages of the session "
            "included, before the turn is given up with a message that says so. An executor of turns that hangs for as "
            "long is replaced.",
        ),
    ] = 30.0
    turns_max: Annotated[
        int,
        Field(ge=1, le=100_000, description="Turns that run at once; they do not count towards concurrency_max."),
    ] = 256
    model: Annotated[
        str,
        Field(
            pattern=r"^([^:\s]+:\S+)?$",
            description="Chat model that helps to understand messages and writes prose, as PROVIDER:NAME, such as "
            "`openai:gpt-4o-mini`; without one, messages are understood by rules.",
        ),
    ] = ""
    model_url: Annotated[
        str,
        Field(pattern=r"^(https?://\S+)?$", description="Base URL of the model's API, for a local or own one."),
    ] = ""
    model_seconds_max: Annotated[
        float, Field(gt=0, le=600, description="Time that one call of the model may take before it is given up.")
    ] = 8.0
    model_attempts_max: Annotated[
        int, Field(ge=1, le=10, description="Attempts that one call of the model has, the first one included.")
    ] = 2
    pace: Annotated[
        float,
        Field(
            ge=0,
            allow_inf_nan=False,
            description="Factor for the durations of the steps of the shipped workflows, for demos; 0 for as fast as "
            "can be.",
        ),
    ] = 0.0
    metrics_port: Annotated[
        int,
        Field(ge=0, le=PORT_MAX, description="Port of the page that Prometheus reads; 0 for no such page."),
    ] = 0
    metrics_host: Annotated[
        str,
        Field(
            min_length=1,
            description="Host that the metrics page listens on. Whoever reaches it reads it: there is no key.",
        ),
    ] = "127.0.0.1"
    free_bytes_min: Annotated[
        int, Field(ge=0, description="Free space on the store's disk below which starts are refused.")
    ] = 64 * 1024 * 1024
    synchronous: Annotated[
        Literal["FULL", "NORMAL"],
        Field(
            description="SQLite's promise: FULL survives power loss, NORMAL survives the death of the process only.",
        ),
    ] = "FULL"
    request_days_min: Annotated[
        int, Field(ge=7, description="Days for which request ids are remembered, at least.")
    ] = 7
    reflection: Annotated[
        bool, Field(description="Whether the server describes its API to clients such as grpcurl.")
    ] = True
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="Least severe log lines to write.")
    ] = "info"
    log_format: Annotated[
        str,
        Field(pattern="^(auto|json|text)$", description="Form of log lines; auto is text on a terminal, else json."),
    ] = "auto"

    @field_validator("listen")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdecimal() or int(port) > PORT_MAX:
            raise ValueError(f"it must be HOST:PORT with a port from 0 to {PORT_MAX}, such as 127.0.0.1:50051")
        return value
