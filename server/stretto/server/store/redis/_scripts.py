"""The scripts that Redis runs: each is a file of its own, behind what all of them share."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).with_name("lua")


@dataclass(frozen=True, slots=True)
class Script:
    """A script and the digest by which Redis knows it."""

    text: bytes
    digest: str


@cache
def script(name: str) -> Script:
    """The script of that name."""
    text = (_FOLDER / "_common.lua").read_bytes() + (_FOLDER / f"{name}.lua").read_bytes()
    return Script(text, hashlib.sha1(text, usedforsecurity=False).hexdigest())
