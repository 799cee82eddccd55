"""The writer's connection: the lock that it holds for its process, and what became of a commit without an answer."""

import asyncio
import secrets

import asyncpg

from stretto.server.domain.errors import StoreInUse
from stretto.server.store.postgres._address import Address
from stretto.server.store.postgres._connection import Connection, connect
from stretto.server.store.postgres._trace import Trace

LOCK_SECONDS_MAX = 1
"""Time to wait for the lock: another process that has just been stopped may still hold it."""

_UNKNOWN_SECONDS = 0.05
"""Time between two looks at a transaction that has not ended yet."""

# A connection that was cut may go on for a while in the database, with its locks and with what it was told to commit.
_END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = $1 AND usename = current_user AND datname = current_database() AND pid <> pg_backend_pid()
"""
_STATUS = "SELECT pg_xact_status($1::text::xid8)"


class Line:
    """A connection for the writer, made again when it was lost."""

    def __init__(self, address: Address, *, shared: bool) -> None:
        self._address = address
        self._shared = shared
        self._name = f"stretto-{secrets.token_hex(8)}"
        self._connection: Connection | None = None

    async def get(self) -> Connection:
        """The connection, with the lock that says who else may have the store open."""
        if self._connection is None or self._connection.is_closed():
            self._connection = None
            connection = await connect(self._address, self._name)
            try:
                await self._take_over(connection)
            except BaseException:
                connection.terminate()
                raise
            self._connection = connection
        return self._connection

    async def _take_over(self, connection: Connection) -> None:
        await self._end_others(connection)
        verb = "pg_advisory_lock_shared" if self._shared else "pg_advisory_lock"
        await connection.execute(f"SET lock_timeout = '{LOCK_SECONDS_MAX}s'")
        try:
            await connection.fetchval(f"SELECT {verb}($1)", self._address.key("store"))
        except asyncpg.LockNotAvailableError as error:
            raise self._in_use() from error
        await connection.execute("RESET lock_timeout")

    async def _end_others(self, connection: Connection) -> None:
        await connection.fetch(_END_OTHERS, self._name)

    def _in_use(self) -> StoreInUse:
        if self._shared:
            return StoreInUse(
                f"A server has the store {self._address} for itself; start it with --redis too, or stop it."
            )
        return StoreInUse(
            f"Another process has the store {self._address} open; start all of them with --redis to share it,"
            " or stop the other one."
        )

    def drop(self) -> None:
        """Cut the connection, whatever state it is in; the database rolls back what was open."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        """Say goodbye, which lets go of the lock at once."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            try:
                await connection.close(timeout=1)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection.terminate()

    async def was_committed(self, transaction_id: str, trace: Trace | None) -> bool:
        """What became of a transaction, once it has ended; needs no lock, which somebody else may have by now.

        One of its number is not it, unless its trace is there: of a transaction that left none, nothing is lost.
        """
        connection = await connect(self._address, self._name)
        try:
            await self._end_others(connection)
            while (status := await connection.fetchval(_STATUS, transaction_id)) == "in progress":  # noqa: ASYNC110
                await asyncio.sleep(_UNKNOWN_SECONDS)  # Only the database knows when it has ended.
            if status != "committed" or trace is None:
                return bool(status == "committed")
            return bool(await connection.fetchval(trace.text, transaction_id, *trace.values))
        except asyncpg.InvalidParameterValueError:
            # The database has not come so far: it is a copy that took over before the transaction reached it.
            return False
        finally:
            connection.terminate()
