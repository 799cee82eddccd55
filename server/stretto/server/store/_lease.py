"""How long the stores that processes share wait for an answer about a lease."""

LEASE_SECONDS = 10.0
"""The lease of a member, where nobody says otherwise."""

RENEWALS_PER_LEASE = 4
"""Answers that a lease waits for: one that does not come is given up in time for another renewal."""

RENEWAL_SECONDS_MIN = 0.5
"""Time that an answer has at least, however short the lease: a busy machine needs some for itself."""


def renewal_seconds_max(lease_seconds: float) -> float:
    """Time in which whatever is about members must be answered."""
    return max(RENEWAL_SECONDS_MIN, lease_seconds / RENEWALS_PER_LEASE)
