"""Machines in what somebody writes, and in what the sources say: `worker-3`, `worker-3:9100`."""

import re
from collections.abc import Collection
from typing import Final

MACHINE: Final = r"(?:worker|node|host|server|vm|ip|pod|instance|machine|rack|db|web)(?:-\d+)+"
"""What a machine looks like that nobody has told about."""

_MACHINE: Final = re.compile(rf"(?<![\w.-]){MACHINE}(?![\w-])", re.IGNORECASE)


def machines_in(text: str) -> tuple[str, ...]:
    """The machines that a text names, each once."""
    return tuple(dict.fromkeys(found.lower() for found in _MACHINE.findall(text)))


def host_of(instance: str) -> str:
    """The machine of an instance, without the port."""
    return instance.partition(":")[0].lower()


def names_host(text: str, host: str) -> bool:
    """Whether a text names this machine, whatever that is called."""
    return bool(host) and re.search(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", text, re.IGNORECASE) is not None


def is_one_of(host: str, machines: Collection[str]) -> bool:
    """Whether a machine is one of those, with its domain or without."""
    return any(host == machine or host.startswith(f"{machine}.") for machine in machines)
