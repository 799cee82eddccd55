"""How Python's garbage collector is set in our processes."""

import gc

NEW_OBJECTS_MAX = 10_000
MIDDLE_ROUNDS = 50
OLD_ROUNDS = 100


def settle() -> None:
    """Take what is loaded out of the collector's sight, and let it look less often.

    A graph's step makes thousands of short-lived objects, nearly all freed by reference counting. With Python's
    own settings the collector took a good part of a run's processor time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS_MAX, MIDDLE_ROUNDS, OLD_ROUNDS)
