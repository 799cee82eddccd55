"""What is looked at before a Redis is used: whether it keeps what it is given, and what a write survives there."""

import secrets

import structlog
from redis import exceptions

from stretto.server.domain.diagnosis import Durability
from stretto.server.domain.errors import StoreTooNew, StoreUnavailable
from stretto.server.store.redis._keys import FORMAT, IDENTITY
from stretto.server.store.redis._link import Link, pack

FORMAT_VERSION = 1
"""The form of keys and rows that this release writes."""

_OLDEST = (6, 2)
_DURABILITY = {"always": Durability.FULL, "everysec": Durability.NORMAL, "no": Durability.NONE}

_log = structlog.get_logger(__name__)


def check(link: Link, where: str) -> Durability:
    """Refuse a Redis that cannot be a store, in a sentence that says what to do; else, what a write survives."""
    facts = _facts(link)
    _check_server(facts, where)
    _check_format(link, where)
    return _durability(link, facts)


def _facts(link: Link) -> dict[str, str]:
    found: dict[str, str] = {}
    for section in ("server", "replication", "memory", "persistence"):
        for line in link.command("INFO", section).decode().splitlines():
            name, _, value = line.partition(":")
            found[name] = value
    return found


def _check_server(facts: dict[str, str], where: str) -> None:
    version = facts.get("redis_version", "0")
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST:
        raise StoreUnavailable(f"Redis at {where} is version {version}; Stretto needs Redis 6.2 or Valkey, or newer.")
    if facts.get("role") != "master":
        raise StoreUnavailable(f"Redis at {where} is a replica, which takes no writes; name its primary.")
    policy = facts.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        raise StoreUnavailable(
            f"Redis at {where} would drop data when its memory is full (maxmemory-policy {policy}): "
            "set maxmemory-policy to noeviction."
        )


def identity(link: Link) -> str:
    """What tells this store from all others; made by the first who asks."""
    link.command("SET", IDENTITY, secrets.token_hex(16), "NX")
    return bytes(link.command("GET", IDENTITY)).decode()


def _check_format(link: Link, where: str) -> None:
    link.command("SET", FORMAT, FORMAT_VERSION, "NX")
    version = int(link.command("GET", FORMAT))
    if version > FORMAT_VERSION:
        raise StoreTooNew(
            f"The store in Redis at {where} has format {version}, this release knows {FORMAT_VERSION}: upgrade Stretto."
        )


def _durability(link: Link, facts: dict[str, str]) -> Durability:
    if facts.get("aof_enabled") == "0":
        return Durability.NONE
    (answer,) = link.commands([[pack(("CONFIG", "GET", "appendfsync"))]])
    if isinstance(answer, exceptions.RedisError) or len(answer) < 2:  # noqa: PLR2004 - A name and a value.
        _log.warning("redis_durability_unknown", why="CONFIG is forbidden", taken_for=Durability.NORMAL.name)
        return Durability.NORMAL
    return _DURABILITY.get(answer[1].decode(), Durability.NORMAL)
