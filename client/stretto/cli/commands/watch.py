"""`stretto watch ID ...`."""

from typing import Annotated

from cyclopts import Parameter

from stretto.cli._exits import CommandError, Exit
from stretto.cli._live import follow_all
from stretto.cli._options import COMMON, Common

WATCHED_MAX = 100
"""Workflows of one call: each takes a stream, and a server has a bound of those."""


async def watch(
    workflow_ids: Annotated[tuple[str, ...], Parameter(name="ID", help="The workflows to watch.")],
    /,
    *,
    after: Annotated[int, Parameter(help="Sequence of the last event that need not be shown; 0 for all events.")] = 0,
    follow: Annotated[
        bool, Parameter(negative="--no-follow", help="Watch until the end, or show only what there is now.")
    ] = True,
    common: Common = COMMON,
) -> Exit:
    """Follow workflows live until they end.

    In a terminal: a live picture of the steps, open questions and errors. Piped: one line for each event. With
    --json: one event on each line. It goes on through breaks of the connection and restarts of the server. Ctrl-C
    stops watching, never a workflow. The exit code is 0 when all succeeded, 4 when one failed or timed out,
    5 when one was cancelled.
    """
    ids = tuple(dict.fromkeys(workflow_ids))
    _check(ids, after)
    async with common.connected() as (client, out):
        handles = [client.handle(workflow_id) for workflow_id in ids]
        return await follow_all(handles, client, out, after=after, until_now=not follow, again=common.again)


def _check(ids: tuple[str, ...], after: int) -> None:
    if not ids:
        raise CommandError("watch: say which workflow: stretto watch ID; `stretto list` shows them")
    if len(ids) > WATCHED_MAX:
        raise CommandError(f"watch: {len(ids)} workflows are too many at once; at most {WATCHED_MAX}")
    if after < 0:
        raise CommandError("watch: --after must be 0 or more")
    if after and len(ids) > 1:
        raise CommandError("watch: --after is for one workflow; each has a numbering of its own")
