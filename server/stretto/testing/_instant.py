"""Retries that wait for nothing.

A policy may stand at a node, a graph, a `@task` in a closure, or a graph that a node invokes by itself. All of them
come together in one place, the two functions with which LangGraph's runner runs a task. These are wrapped, once for
the process: the wrapped ones do what they did before, unless they are called on behalf of a server that asks for more.
"""

import contextvars
import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from langgraph.pregel import _runner
from langgraph.types import RetryPolicy

_asked: contextvars.ContextVar[bool] = contextvars.ContextVar("stretto_instant_retries", default=False)
"""Whether we are inside of a workflow whose retries wait for nothing. Threads that run nodes inherit it."""

_RUN_FUNCTIONS = ("run_with_retry", "arun_with_retry")


def instant(policies: RetryPolicy | Sequence[RetryPolicy]) -> tuple[RetryPolicy, ...]:
    """The policies with their attempts and their exceptions, without their pauses."""
    given = (policies,) if isinstance(policies, RetryPolicy) else policies
    return tuple(policy._replace(initial_interval=0.0, max_interval=0.0, jitter=False) for policy in given)


def call_instantly(function: Callable[..., None], *arguments: Any) -> None:
    """Call a function such that retries in whatever tasks it starts wait for nothing."""

    def call() -> None:
        _asked.set(True)
        function(*arguments)

    contextvars.copy_context().run(call)


def teach_langgraph() -> None:
    """Wrap the runner's functions, unless they are wrapped."""
    for name in _RUN_FUNCTIONS:
        function = getattr(_runner, name)  # A LangGraph without it must fail here and not wait in silence.
        if not hasattr(function, "waits_for_nothing"):
            wrapped = _wrapped(function)
            vars(wrapped)["waits_for_nothing"] = True
            setattr(_runner, name, wrapped)


def _wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(task: Any, retry_policy: Any, *arguments: Any, **options: Any) -> Any:
        if _asked.get():
            task = replace(task, retry_policy=instant(task.retry_policy or ()))
            retry_policy = instant(retry_policy or ())
        return function(task, retry_policy, *arguments, **options)

    return run
