"""Dates and months that a message gives for fields, in the form that each field takes."""

from collections.abc import Iterable
from typing import Final

from stretto.orchestrator.understanding._offline.check import fault_of
from stretto.orchestrator.understanding._offline.dates import Moment, moments_in, months_in
from stretto.orchestrator.understanding._offline.fields import Field
from stretto.orchestrator.understanding._offline.lexicon import MONTHS
from stretto.orchestrator.understanding._offline.scene import NEAR, Scene
from stretto.orchestrator.understanding._offline.stems import kin
from stretto.orchestrator.understanding._offline.text import read

__all__ = ["dated", "dates"]

_AHEAD: Final = frozenset({"start", "begin", "due", "deadlin", "until", "end", "deliv", "by"})
"""Words of fields whose dates lie ahead; others may lie behind as well."""

_LEADS: Final = {
    "from": "start", "starting": "start", "beginning": "start", "to": "end", "until": "end", "till": "end",
    "through": "end", "by": "due",
}  # fmt: skip


def dates(fields: Iterable[Field], scene: Scene) -> dict[str, str]:
    """The values of date and month fields."""
    fields = tuple(fields)
    found: dict[str, str] = {}
    moments = [each for each in moments_in(scene.text.raw, scene.today) if scene.free(each.start, each.end)]
    wanted = [field for field in fields if field.kind == "date"]
    for sure in (True, False):
        for field in wanted:
            # Of long ago, only a date that was told for this field holds: others belonged to something else.
            if field.name in found or not (sure or (_main(field, wanted) and not scene.memory)):
                continue
            moment = next((each for each in moments if not sure or _told_for(field, each, scene)), None)
            if moment is not None:
                moments.remove(moment)
                found[field.name] = dated(field, moment.ahead(scene.today) if _AHEAD & set(field.words) else moment)
                scene.take(moment.start, moment.end)
    return {**found, **_months(fields, scene)}


def _main(field: Field, dates_: list[Field]) -> bool:
    """Whether a date that is told for nothing in particular may be this one: it must be there, or it is alone."""
    return field.required or len(dates_) == 1


def dated(field: Field, moment: Moment) -> str:
    """A date in the form that a field takes."""
    if field.schema.get("format") == "date-time":
        time = f"{moment.time:%H:%M}:00" if moment.time else "00:00:00"
        return f"{moment.date.isoformat()}T{time}Z"
    return moment.date.isoformat()


def _told_for(field: Field, moment: Moment, scene: Scene) -> bool:
    """Whether a word of the field's name, or one that leads to such a date, stands right before it."""
    before = read(scene.text.raw[: moment.start]).tokens[-NEAR - 1 :]
    named = any(kin(token.stem, word) for token in before for word in field.words if word != "date")
    return named or bool(before and _LEADS.get(before[-1].lower) in field.words)


def _months(fields: Iterable[Field], scene: Scene) -> dict[str, str]:
    found: dict[str, str] = {}
    for field in fields:
        if field.kind != "month":
            continue
        for moment in months_in(scene.text.raw, scene.today):
            forms = (f"{moment.date:%Y-%m}", f"{MONTHS[moment.date.month - 1].title()} {moment.date.year}")
            value = next((form for form in forms if not fault_of(field.schema, form)), None)
            if value and scene.free(moment.start, moment.end):
                found[field.name] = value
                scene.take(moment.start, moment.end)
                break
    return found
