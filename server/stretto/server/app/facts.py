"""What is settled before a process of ours starts."""

from collections.abc import Callable
from dataclasses import dataclass

from stretto.server.domain.clock import Clock
from stretto.server.domain.member import MemberKind
from stretto.server.domain.settings import Settings


@dataclass(frozen=True, slots=True)
class Facts:
    """Which kind of process it is, how it shall behave, and how it asks to be stopped."""

    kind: MemberKind
    settings: Settings
    clock: Clock
    stop: Callable[[], None]
