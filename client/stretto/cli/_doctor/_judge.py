"""What a server's own words about itself mean."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from stretto.cli._doctor._finding import Finding, bad, ok, warn
from stretto.operations.v1.diagnosis_pb2 import Diagnosis, Durability, StoreKind

CLOCKS_SECONDS_MAX: Final = 2.0
"""Clocks that are further apart make times in journals misleading, and deadlines too early or too late."""

COMMIT_MS_MAX: Final = 10.0
"""A local SSD takes a fraction of this."""

COMMIT_MS_BAD: Final = 250.0
"""At this rate hardly anything gets done."""

ECHO_MS_MAX: Final = 50.0
"""More than most ways between services take."""

FULL_FROM: Final = 0.8
"""Share of a bound from which it is told of."""

SPACE_FACTOR: Final = 2.0
"""Free space below this many times the bound is told of."""

_GIB: Final = 1 << 30

_DURABLE: Final = {
    StoreKind.STORE_KIND_SQLITE: "serve with --synchronous FULL",
    StoreKind.STORE_KIND_MEMORY: "for real work serve with --store sqlite:FILE",
    StoreKind.STORE_KIND_POSTGRESQL: "set fsync and synchronous_commit to on in PostgreSQL",
    StoreKind.STORE_KIND_REDIS: "set appendonly to yes and appendfsync to always in Redis",
}
"""What makes commits of a store durable."""


def judge(diagnosis: Diagnosis) -> Iterator[Finding]:
    """Findings about a server's parts."""
    for look in _LOOKS:
        yield look(diagnosis)


def judge_version(server: str, own: str) -> Finding:
    """Whether server and command are of one version."""
    values = {"server": server, "client": own}
    if server == own:
        return ok("version", f"server and command are {own}", **values)
    advice = "they may not know all of each other's calls: install the same version on both sides"
    return warn("version", f"the server is {server}, this command {own}", advice, **values)


def judge_clocks(ahead_seconds: float, unsure_seconds: float) -> Finding:
    """Whether both clocks agree, given how far the server's is ahead and how exactly that is known."""
    values = {"server_ahead_seconds": round(ahead_seconds, 3), "unsure_seconds": round(unsure_seconds, 3)}
    if abs(ahead_seconds) - unsure_seconds <= CLOCKS_SECONDS_MAX:
        return ok("clocks", f"{abs(ahead_seconds):.3f} s apart, give or take {unsure_seconds:.3f} s", **values)
    which = "ahead of" if ahead_seconds > 0 else "behind"
    told = f"the server's clock is {abs(ahead_seconds):.1f} s {which} this machine's"
    return warn("clocks", told, "synchronise both machines (NTP): times and deadlines are off by that much", **values)


def judge_echo(times_ms: Sequence[float]) -> Finding:
    """Whether calls that do nothing are answered quickly."""
    middle = median(times_ms)
    told = f"{middle:.1f} ms in the middle of {len(times_ms)} calls, {max(times_ms):.1f} ms at worst"
    values = {"p50_ms": round(middle, 3), "worst_ms": round(max(times_ms), 3), "calls": len(times_ms)}
    if middle <= ECHO_MS_MAX:
        return ok("echo", told, **values)
    return warn("echo", told, "the way to the server is long, or the server is overloaded", **values)


def judge_commits(times_ms: Sequence[float], fault: str) -> Finding:
    """Whether the store writes quickly."""
    if fault:
        return bad("commits", fault, "look at the store's disk and at the server's log")
    if not times_ms:
        return warn("commits", "the server timed none", "try again when nobody else times commits")
    middle = median(times_ms)
    told = f"{middle:.1f} ms in the middle of {len(times_ms)} commits, {max(times_ms):.1f} ms at worst"
    values = {"p50_ms": round(middle, 3), "worst_ms": round(max(times_ms), 3), "commits": len(times_ms)}
    if middle <= COMMIT_MS_MAX:
        return ok("commits", told, **values)
    advice = "the disk is slow: put the store on a local SSD"
    return (bad if middle > COMMIT_MS_BAD else warn)("commits", told, advice, **values)


def median(values: Sequence[float]) -> float:
    """The value in the middle."""
    return sorted(values)[len(values) // 2]


def _life(diagnosis: Diagnosis) -> Finding:
    up = diagnosis.answered_at.ToDatetime() - diagnosis.started_at.ToDatetime()
    seconds = max(up.total_seconds(), 0.0)
    told = f"up for {_span(seconds)}, Python {diagnosis.python_version}, LangGraph {diagnosis.langgraph_version}"
    if diagnosis.draining:
        return bad("server", f"shutting down; {told}", "it starts nothing any more: wait until it is back")
    return ok("server", told, up_seconds=round(seconds, 1))


def _store(diagnosis: Diagnosis) -> Finding:
    store = diagnosis.store
    kind = StoreKind.Name(store.kind).removeprefix("STORE_KIND_").lower()
    durability = Durability.Name(store.durability).removeprefix("DURABILITY_").lower()
    told = f"{kind}, durability {durability}"
    values = {"kind": kind, "durability": durability, "healthy": store.healthy}
    if not store.healthy:
        return bad(
            "store", store.fault or "not healthy", "starts are refused until it is; see the server's log", **values
        )
    if store.durability == Durability.DURABILITY_NONE:
        return warn("store", told, f"commits are lost when it ends: {_DURABLE.get(store.kind, '')}", **values)
    if store.durability == Durability.DURABILITY_NORMAL:
        return warn(
            "store", told, f"a loss of power loses the newest commits: {_DURABLE.get(store.kind, '')}", **values
        )
    return ok("store", told, **values)


def _space(diagnosis: Diagnosis) -> Finding:
    store = diagnosis.store
    if not store.HasField("free_bytes"):
        return ok("space", "not asked for: the store is on no disk of the server's, or was not looked at yet")
    told = f"{store.free_bytes / _GIB:.1f} GiB free, starts are refused below {store.free_bytes_min / _GIB:.1f} GiB"
    values = {"free_bytes": store.free_bytes, "free_bytes_min": store.free_bytes_min}
    if store.free_bytes < store.free_bytes_min:
        return bad("space", told, "free some space on the store's disk; starts are refused until then", **values)
    if store.free_bytes < SPACE_FACTOR * store.free_bytes_min:
        return warn("space", told, "free some space on the store's disk before starts are refused", **values)
    return ok("space", told, **values)


def _executors(diagnosis: Diagnosis) -> Finding:
    executors = diagnosis.executors
    working = executors.alive - min(executors.stalled, executors.alive)
    told = f"{executors.alive} of {executors.wanted} alive" + f", {executors.stalled} stalled" * bool(executors.stalled)
    values = {"wanted": executors.wanted, "alive": executors.alive, "stalled": executors.stalled}
    if not executors.wanted:
        return ok("executors", "none here: workers run the workflows", **values)
    if not working:
        advice = "no workflow goes on: the server's log tells why; a step that blocks its thread stalls an executor"
        return bad("executors", told, advice, **values)
    if executors.stalled:
        return warn("executors", told, "a step blocks its thread: make it async, or use asyncio.to_thread", **values)
    if executors.alive < executors.wanted:
        return warn("executors", told, "dead ones are replaced; if this stays, the server's log tells why", **values)
    return ok("executors", told, **values)


def _queue(diagnosis: Diagnosis) -> Finding:
    workflows = diagnosis.workflows
    told = (
        f"{workflows.running} of at most {workflows.concurrency_max} running, "
        f"{workflows.queued} of at most {workflows.queue_max} queued"
    )
    values = {
        "running": workflows.running,
        "concurrency_max": workflows.concurrency_max,
        "queued": workflows.queued,
        "queue_max": workflows.queue_max,
        "with_deadline": workflows.with_deadline,
    }
    share = _share(workflows.queued, workflows.queue_max)
    if share >= 1:
        return bad("queue", told, "starts are refused: allow more to run at once, or add a server", **values)
    if share >= FULL_FROM:
        return warn("queue", told, "starts will be refused when it is full: allow more to run at once", **values)
    if workflows.queued and _share(workflows.running, workflows.concurrency_max) >= 1:
        return warn("queue", told, "all places are taken: starts wait for those that run", **values)
    return ok("queue", told, **values)


def _watches(diagnosis: Diagnosis) -> Finding:
    watches = diagnosis.watches
    told = f"{watches.open} of at most {watches.open_max} open"
    values = {"open": watches.open, "open_max": watches.open_max}
    share = _share(watches.open, watches.open_max)
    if share >= 1:
        return bad("watches", told, "new watchers are refused: close some, or raise the server's bound", **values)
    if share >= FULL_FROM:
        return warn("watches", told, "new watchers will be refused soon: close some, or raise the bound", **values)
    return ok("watches", told, **values)


def _sharing(diagnosis: Diagnosis) -> Finding:
    sharing = diagnosis.sharing
    values = {"member_id": sharing.member_id, "store_shared": sharing.store_shared}
    if not sharing.HasField("work_queue"):
        return ok("sharing", f"it has its store to itself, as {sharing.member_id or 'its only member'}", **values)
    values["work_queue_connected"] = sharing.work_queue.connected
    told = f"{sharing.member_id} is one of those that `stretto members` lists"
    if sharing.work_queue.connected:
        return ok("sharing", f"{told}; the work queue is connected", **values)
    since = diagnosis.answered_at.ToDatetime() - sharing.work_queue.disconnected_since.ToDatetime()
    seconds = max(since.total_seconds(), 0.0)
    return bad(
        "sharing",
        f"{told}; the work queue is not connected for {_span(seconds)}",
        "nothing is lost, but workflows wait and watchers hear late until it is back: look at Redis, and at --redis",
        **values,
        disconnected_seconds=round(seconds, 1),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _span(seconds: float) -> str:
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    return f"{hours:.0f} h {minutes:.0f} min" if hours else f"{minutes:.0f} min" if minutes else f"{seconds:.0f} s"


_LOOKS: Final[tuple[Callable[[Diagnosis], Finding], ...]] = (
    _life,
    _store,
    _space,
    _executors,
    _queue,
    _watches,
    _sharing,
)
