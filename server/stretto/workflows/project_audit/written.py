"""How far a structured answer is, out of the part of it that is written: which of its fields are done."""

from pydantic import BaseModel

_DEPTH_MAX = 2
_KEY_CHARACTERS_MAX = 64
"""Of a text that may be long, so much is kept: a longer one is no key."""


class Written:
    """Follows an answer while it is written, and what is written anew after a wrong one."""

    def __init__(self, shape: type[BaseModel]) -> None:
        self._fields = frozenset(fields_of(shape))
        self._keys = _Keys()
        self._share = 0.0

    def share(self, text: str) -> float:
        """The share of the fields that are done, now that this is written. It never goes back.

        The last one that has begun is under way, however much of it is there: nobody knows how long it gets.
        """
        if not text.startswith(self._keys.read):
            self._keys = _Keys()
        self._keys.read_on(text)
        done = len(self._keys.begun & self._fields) - 1
        self._share = max(self._share, done / len(self._fields))
        return self._share


class _Keys:
    """The keys of the outer objects in a JSON text that is not complete, each read once."""

    def __init__(self) -> None:
        self.read = ""
        self.begun: set[tuple[str, ...]] = set()
        self._path: list[str] = []
        """The key that is open at each level; empty inside of a list."""
        self._string: str | None = None
        self._last = ""
        self._escaped = False

    def read_on(self, text: str) -> None:
        """Take what has come since."""
        for character in text[len(self.read) :]:
            self._take(character)
        self.read = text

    def _take(self, character: str) -> None:
        if self._string is not None:
            self._in_string(self._string, character)
        elif character == '"':
            self._string = ""
        elif character in "{[":
            self._path.append("")
        elif character in "}]" and self._path:
            self._path.pop()
        elif character == ":" and self._path and len(self._path) <= _DEPTH_MAX:
            self._path[-1] = self._last
            self.begun.add(tuple(self._path))

    def _in_string(self, string: str, character: str) -> None:
        if self._escaped:
            self._escaped = False
        elif character == "\\":
            self._escaped = True
        elif character == '"':
            self._last, self._string = string, None
        else:
            self._string = (string + character)[:_KEY_CHARACTERS_MAX]


def fields_of(shape: type[BaseModel]) -> list[tuple[str, ...]]:
    """The paths of the fields that a model fills in: those of the shapes inside it, and those that are none."""
    paths: list[tuple[str, ...]] = []
    for name, field in shape.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            paths += [(name, each) for each in inner.model_fields]
        else:
            paths.append((name,))
    return paths
