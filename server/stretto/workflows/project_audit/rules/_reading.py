"""How much of a project the rules read: what the contract allows at most would keep a processor busy for seconds."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

POSITION_CHARACTERS_MAX: Final = 100_000
SPECIFICATION_CHARACTERS_MAX: Final = 30_000
"""Of all texts together: more than most bills have. Where there is more, each is read to the same length, since what
matters most stands at its beginning; so each position is still added up."""
_READ: Final = {"positions": POSITION_CHARACTERS_MAX, "specifications": SPECIFICATION_CHARACTERS_MAX}


def read(texts: Sequence[str], characters_max: int) -> list[str]:
    """The texts, shortened alike where they are too much together."""
    each = _each_max(texts, characters_max)
    return [_cut(text, each) for text in texts]


def unread(request: Mapping[str, Any]) -> tuple[str, ...]:
    """Warnings of what was too much to be read."""
    warnings = []
    for name, characters_max in _READ.items():
        texts = [each if isinstance(each, str) else each["text"] for each in request.get(name) or ()]
        each = _each_max(texts, characters_max)
        if longer := sum(len(text) > each for text in texts):
            warnings.append(
                f"The rules read the first {each} characters of each of the {name}; {longer} of {len(texts)} have more."
            )
    return tuple(warnings)


def _each_max(texts: Sequence[str], characters_max: int) -> int:
    total = sum(map(len, texts))
    return characters_max // len(texts) if total > characters_max else characters_max


def _cut(text: str, characters_max: int) -> str:
    """The beginning of a text, without a word that is cut in two: half a figure would be another figure."""
    if len(text) <= characters_max:
        return text
    begin, blank, _ = text[: characters_max + 1].rpartition(" ")
    return begin if blank else text[:characters_max]
