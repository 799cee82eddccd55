"""Where a store is: a database and a schema in it."""

import hashlib
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

SCHEMA = "stretto"
"""Where the tables are when the URL names no schema."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class Address:
    """A database and a schema in it; as text it has no password."""

    dsn: str = field(repr=False)
    schema: str
    shown: str

    def __str__(self) -> str:
        return self.shown

    def key(self, purpose: str) -> int:
        """The number of an advisory lock; they count for one database."""
        digest = hashlib.sha256(f"stretto {purpose} {self.schema}".encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)


def parse(url: str) -> Address:
    """The address in `postgresql://user:password@host:port/database?schema=name`; what else it says is the driver's."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    schema = options.pop("schema", SCHEMA)
    if not _NAME.fullmatch(schema):
        raise ValueError(f"No schema is called {schema!r}; a name has letters, digits and underscores.")
    dsn = urlunsplit(("postgresql", parts.netloc, parts.path, urlencode(options), ""))
    host = parts.netloc.rpartition("@")[2] or options.get("host", "localhost")
    return Address(dsn, schema, f"postgresql://{host}/{unquote(parts.path.lstrip('/'))}")
