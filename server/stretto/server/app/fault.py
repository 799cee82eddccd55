"""What is wrong with a store: a sentence for callers, and all that is known for the log."""

from dataclasses import dataclass

from stretto.server.domain.errors import Overloaded, StoreUnavailable


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason why a store cannot be used."""

    told: str
    """What callers may know. Texts of errors stay out of it: they name files."""

    reason: str
    """What the log gets."""


def fault_of(error: Exception) -> Fault:
    """What an error of a store means; an error's class tells much, and no secret."""
    cause = error.__cause__ or error
    if isinstance(error, Overloaded):
        return Fault("The store has too many writes waiting.", str(error))
    if not isinstance(error, StoreUnavailable):
        return Fault(f"The store fails ({type(cause).__name__}).", f"{type(error).__name__}: {error}")
    detail = "" if cause is error else f" ({type(cause).__name__})"
    return Fault(f"The store cannot be written{detail}.", str(cause))


def silence_of(seconds: float) -> Fault:
    """A store that has not answered for so long: a stalled disk gives no error."""
    return Fault(f"The store did not answer in {seconds:g} seconds.", f"no answer in {seconds:g} seconds")


def shortage_of(free: int, least: int) -> Fault:
    """A disk on which room runs out."""
    told = f"{free:,} bytes are free, fewer than {least:,}"
    return Fault(f"On the store's disk {told}.", told)
