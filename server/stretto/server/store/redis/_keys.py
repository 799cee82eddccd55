"""Names of keys. All of a project's carry its tag, so a cluster keeps them on one node, where one script sees them.

What stands in a project, behind its prefix:

    w:<workflow>   its row: f what never changes, s what does, u a little of f, x its session, r the revision, i<n>
    e:<workflow>   its journal
    c: k:          its checkpoints, and their names in order
    b:             values of channels
    p: q:          pending writes, and their names in order
    s:<session>    its row: d and the revision r
    j: m: t:       its journal; which entries are messages and notices, and which are messages of a turn
    sa: se:        its workflows without turns: those that have not ended, and those that have
    of:            all of its workflows
    requests, requests:age; purge; sessions, sessions:active, sessions:deleted
    all, type:<type>, status:<n>, turns:<n>, l:<label>, deadlines, owners, o:<owner>
    a:<writer>     the number and the outcome of the last call of a store's writer
"""

from functools import lru_cache
from urllib.parse import quote

PROJECTS = "stretto:projects"
"""Names the projects that there may be something of."""

MEMBERS = "stretto:members"
HOLDERS = "stretto:open"
IDENTITY = "stretto:identity"
FORMAT = "stretto:format"

PROBE = "stretto:{*}:"
"""A project that there cannot be, since its name would be quoted: for what belongs to none."""

CHECKPOINT_KINDS = "ckbpq"


@lru_cache(maxsize=4_096)
def prefix_of(project: str) -> str:
    """What the names of a project's keys begin with; a brace in its name would end the tag."""
    return f"stretto:{{{quote(project, safe='')}}}:"


def name_of(*parts: str) -> str:
    """A name out of parts that hold no zero bytes."""
    return "\0".join(parts)
