"""As much of PromQL as is asked of the simulator: selectors, arithmetic, `or`, aggregations and some functions."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

AGGREGATIONS: Final = frozenset({"avg", "count", "max", "min", "sum"})
FUNCTIONS: Final[Mapping[str, int]] = {"histogram_quantile": 2, "label_replace": 5, "rate": 1}
"""With how many arguments they take."""

_PRECEDENCE: Final = {"or": 1, "+": 2, "-": 2, "*": 3, "/": 3}
_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<number>\d+(?:\.\d+)?(?![\w.]))
      | (?P<string>"(?:[^"\\\n]|\\.)*")
      | (?P<range>\[\d+[smh]\])
      | (?P<name>[a-zA-Z_][\w:]*)
      | (?P<sign>=~|!~|!=|[-+*/(){},=])
      | (?P<end>$)
    )""",
    re.VERBOSE,
)


class QueryInvalid(Exception):
    """The query is not of the language, or not of the part of it that is known here."""


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class String:
    value: str


@dataclass(frozen=True)
class Matcher:
    label: str
    operator: str
    value: str


@dataclass(frozen=True)
class Selector:
    name: str
    matchers: tuple[Matcher, ...]
    over_time: bool


@dataclass(frozen=True)
class Binary:
    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True)
class Aggregation:
    operation: str
    by: tuple[str, ...]
    of: "Expression"


@dataclass(frozen=True)
class Call:
    function: str
    arguments: tuple["Expression", ...]


Expression = Number | String | Selector | Binary | Aggregation | Call


@lru_cache(maxsize=1_000)
def parse(query: str) -> Expression:
    """The meaning of a query."""
    parser = _Parser(query)
    found = parser.expression(0)
    parser.take("end")
    return found


class _Parser:
    """Reads a query from left to right."""

    def __init__(self, query: str) -> None:
        self._query = query
        self._kind, self._text, self._position = "", "", 0
        self._advance()

    def expression(self, least: int) -> Expression:
        """An expression whose operators bind at least so strongly."""
        left = self._operand()
        while (precedence := _PRECEDENCE.get(self._text, 0)) > least and self._kind in ("sign", "name"):
            operator = self._advance()
            left = Binary(operator, left, self.expression(precedence))
        return left

    def take(self, kind: str, text: str | None = None) -> str:
        """The token that must come next."""
        if self._kind != kind or (text is not None and self._text != text):
            raise QueryInvalid(f"1:{self._position}: parse error: unexpected {self._text or self._kind!r}")
        return self._advance()

    def _operand(self) -> Expression:
        if self._kind == "number":
            return Number(float(self._advance()))
        if self._kind == "string":
            return String(json.loads(self._advance()))
        if self._text == "(":
            return self._parenthesized()
        name = self.take("name")
        if name in AGGREGATIONS:
            return Aggregation(name, self._by(), self._parenthesized())
        if self._text == "(":
            return self._call(name)
        return self._selector(name)

    def _parenthesized(self) -> Expression:
        self.take("sign", "(")
        found = self.expression(0)
        self.take("sign", ")")
        return found

    def _by(self) -> tuple[str, ...]:
        if self._text != "by":
            return ()
        self._advance()
        self.take("sign", "(")
        labels = []
        while self._text != ")":
            labels.append(self.take("name"))
            self._comma_or(")")
        self.take("sign", ")")
        return tuple(labels)

    def _call(self, name: str) -> Call:
        self.take("sign", "(")
        arguments = []
        while self._text != ")":
            arguments.append(self.expression(0))
            self._comma_or(")")
        self.take("sign", ")")
        if FUNCTIONS.get(name) != len(arguments):
            raise QueryInvalid(f"parse error: unknown function with name {name!r}, or not with so many arguments")
        return Call(name, tuple(arguments))

    def _selector(self, name: str) -> Selector:
        matchers = []
        if self._text == "{":
            self._advance()
            while self._text != "}":
                matchers.append(Matcher(self.take("name"), self._operator(), json.loads(self.take("string"))))
                self._comma_or("}")
            self.take("sign", "}")
        over_time = self._kind == "range"
        if over_time:
            self._advance()
        return Selector(name, tuple(matchers), over_time)

    def _operator(self) -> str:
        if self._text not in ("=", "!=", "=~", "!~"):
            raise QueryInvalid(f"1:{self._position}: parse error: unexpected {self._text!r} in label matching")
        return self._advance()

    def _comma_or(self, end: str) -> None:
        if self._text != end:
            self.take("sign", ",")

    def _advance(self) -> str:
        """Go on to the next token, and hand out the one before."""
        before = self._text
        found = _TOKEN.match(self._query, self._position)
        if found is None:
            raise QueryInvalid(f"1:{self._position}: parse error: unexpected character")
        self._kind, self._text, self._position = found.lastgroup or "", found[found.lastgroup or 0], found.end()
        return before
