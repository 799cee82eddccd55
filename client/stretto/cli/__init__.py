"""The command `stretto`. What is imported here is imported by `stretto --help`, so it is nearly nothing.

How a command is made: a line in `_table.py`, and in `commands/<name>.py` one function of that name. Its signature is
its command line (cyclopts reads it), its docstring the help. It takes `common: Common = COMMON` when it calls a
server, opens `async with common.connected() as (client, out)`, prints with `out`, lets the client's errors pass, and
raises `CommandError` for a mistake of its own; `_app.py` turns both into a line on stderr and an exit code.
"""

from stretto.cli._entry import main, run

__all__ = ["main", "run"]
