"""The fields of a JSON schema, each with the words that its name is made of and the kind of value that it takes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from stretto.orchestrator.brief import JsonObject
from stretto.orchestrator.understanding._offline.check import matches
from stretto.orchestrator.understanding._offline.lexicon import UNITS
from stretto.orchestrator.understanding._offline.stems import stem
from stretto.orchestrator.understanding._offline.text import parts_of

__all__ = ["Choice", "Field", "Kind", "fields_of"]

Kind = Literal[
    "choice", "number", "flag", "date", "month", "duration", "email", "link", "person", "role", "free", "text",
    "list", "records", "object", "map", "any",
]  # fmt: skip

DEPTH_MAX: Final = 4
"""Levels of objects within objects that are looked into; nobody says more in a sentence."""

_FREE: Final = frozenset(
    {"message", "text", "question", "topic", "query", "description", "request", "prompt", "subject"}
)
_NAMES: Final = frozenset(
    {"name", "person", "manager", "buddy", "customer", "employee", "assignee", "owner", "contact", "author", "mentor"}
    | {"supervisor", "colleague", "client", "recipient", "reviewer", "approver"}
)
_ROLES: Final = frozenset({"role", "position", "job", "profession", "occupation"})
_DATES: Final = frozenset({"date", "deadline", "birthday", "due", "until"})
_FILLER: Final = frozenset(
    {"number", "count", "of", "max", "min", "maximum", "minimum", "total", "is", "has", "the", "num"}
)
_EXCLUDES: Final = frozenset({"without", "except", "exclude", "excluded", "skip"})
_LIKE_DATE, _LIKE_MONTH = "2026-01-31", "2026-01"


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of an enum, as a person would say it, and the stems of its words."""

    value: Any
    label: str
    stems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A property of a schema."""

    name: str
    schema: Mapping[str, Any]
    kind: Kind
    required: bool
    words: tuple[str, ...]
    """Stems of the parts of its name, without fillers and without what it is per."""
    per: str = ""
    """The stem of what it is counted per: `week` of days_per_week."""
    unit: str = ""
    """The unit of time that it is counted in."""
    choices: tuple[Choice, ...] = ()
    item: "Field | None" = None
    alone: bool = False
    """Whether it is the only text that must be there, so that a message may as a whole be meant for it."""
    fields: tuple["Field", ...] = ()

    @property
    def label(self) -> str:
        """Its name in plain words."""
        return " ".join(parts_of(self.name)) or self.name

    @property
    def takes_message(self) -> bool:
        """Whether a message as a whole is a value of it."""
        return self.kind == "free" or self.alone

    @property
    def excludes(self) -> bool:
        """Whether it lists what shall not be: `without`."""
        return bool(_EXCLUDES & set(parts_of(self.name)))


def fields_of(schema: JsonObject, depth: int = 0) -> tuple[Field, ...]:
    """The fields of an object's schema, in its order."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or depth >= DEPTH_MAX:
        return ()
    required = set(schema.get("required") or ())
    fields = tuple(
        _field(name, each, name in required, depth) for name, each in properties.items() if isinstance(each, Mapping)
    )
    return fields if depth else _with_free_text(fields)


def _field(name: str, schema: Mapping[str, Any], required: bool, depth: int) -> Field:  # noqa: FBT001 - A fact of the schema.
    parts = parts_of(name)
    main, per = _split_per(parts)
    item = schema.get("items")
    unit = next((word for word in map(stem, main) if word in UNITS), "")
    inner = item if isinstance(item, Mapping) else schema
    kind = _kind(schema, parts)
    return Field(
        name=name,
        schema=schema,
        kind=kind,
        required=required,
        words=tuple(stem(part) for part in main if part not in _FILLER) or tuple(map(stem, parts)),
        per=per,
        unit=unit,
        choices=_choices(inner),
        item=_field(name, inner, required=False, depth=depth + 1) if kind == "list" and inner is item else None,
        fields=fields_of(inner, depth + 1),
    )


def _split_per(parts: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """The words of a name before `per`, and the stem of what comes after it; `weekly` is per week too."""
    if "per" in parts and parts[-1] != "per":
        place = parts.index("per")
        return parts[:place], stem(parts[-1])
    for word, unit in (("daily", "day"), ("weekly", "week"), ("monthly", "month")):
        if word in parts and len(parts) > 1:
            return tuple(part for part in parts if part != word), unit
    return parts, ""


def _kind(schema: Mapping[str, Any], parts: tuple[str, ...]) -> Kind:
    type_ = schema.get("type")
    if isinstance(type_, list):
        type_ = next((each for each in type_ if each != "null"), None)
    if "enum" in schema:
        return "choice"
    if type_ in {"integer", "number"}:
        return "number"
    if type_ == "boolean":
        return "flag"
    if type_ == "array":
        return _kind_of_array(schema)
    if type_ == "object" or "properties" in schema:
        return "map" if isinstance(schema.get("additionalProperties"), Mapping) else "object"
    return _kind_of_string(schema, parts) if type_ == "string" else "any"


def _kind_of_array(schema: Mapping[str, Any]) -> Kind:
    item = schema.get("items")
    return "records" if isinstance(item, Mapping) and item.get("properties") else "list"


def _kind_of_string(schema: Mapping[str, Any], parts: tuple[str, ...]) -> Kind:
    named: Kind | None = None
    format_, pattern = schema.get("format"), schema.get("pattern")
    if "contentEncoding" in schema:
        named = "any"
    elif format_ in {"date", "date-time"}:
        named = "date"
    elif format_ in {"duration", "email"}:
        named = format_
    elif format_ in {"uri", "uri-reference", "url"}:
        named = "link"
    elif pattern and matches(pattern, _LIKE_DATE) and not matches(pattern, "x"):
        named = "date"
    elif pattern and matches(pattern, _LIKE_MONTH) and not matches(pattern, "x"):
        named = "month"
    return named or _kind_by_name(frozenset(parts), parts[-1] if parts else "")


def _kind_by_name(parts: frozenset[str], last: str) -> Kind:
    """What a string is for, as far as its name tells."""
    kinds: tuple[tuple[Kind, bool], ...] = (
        ("month", "month" in parts),
        ("date", bool(parts & _DATES)),
        ("email", "email" in parts or "mail" in parts),
        ("link", last in {"url", "uri", "link"}),
        ("person", last in _NAMES),
        ("role", last in _ROLES or parts >= {"job", "title"}),
        ("free", last in _FREE),
    )
    return next((kind for kind, fits in kinds if fits), "text")


def _choices(schema: Mapping[str, Any]) -> tuple[Choice, ...]:
    values = schema.get("enum")
    if not isinstance(values, list | tuple):
        return ()
    prefix = schema.get("x-prefix") or ""
    made = []
    for value in values:
        words = parts_of(str(value).removeprefix(prefix)) or (str(value),)
        made.append(Choice(value, " ".join(words), tuple(map(stem, words))))
    return tuple(made)


def _with_free_text(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """The fields, of which the only one that is required is marked when it is a text."""
    texts = [field for field in fields if field.required]
    if len(texts) != 1 or texts[0].kind != "text":
        return fields
    return tuple(replace(field, alone=True) if field is texts[0] else field for field in fields)
