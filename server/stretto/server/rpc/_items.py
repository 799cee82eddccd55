"""What a message in a list tells: its sentence, under its name."""

import re
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["line_of", "name_of", "rest_of", "sentence_of"]

Message = Mapping[str, Any]

LABEL_CHARACTERS_MAX: Final = 60

_SENTENCES: Final = ("explanation", "summary", "headline", "description", "message", "text", "reason")
"""Fields that hold what is to be said of a message, the best first, whatever it is about."""

_NAMES: Final = ("title", "name", "subject")
"""Fields that say which message it is, and ends of names of such fields."""

_ENDS: Final = (".", "!", "?")
_KEYS: Final = r"(?:.*_)?(?:id|key)"


def line_of(item: Message) -> str:
    """What a message tells, in one line; empty when that is nothing."""
    sentence, texts = sentence_of(item), _texts(item)
    short = [text for key, text in texts.items() if key not in _SENTENCES and len(text) <= LABEL_CHARACTERS_MAX]
    if not sentence:
        return ", ".join(dict.fromkeys(filter(None, (name_of(item), *short))))
    label = name_of(item) or next((text for text in short if not text.endswith(_ENDS)), "")
    return f"{label}: {sentence}" if label and label.lower() not in sentence.lower() else sentence


def sentence_of(item: Message) -> str:
    """What is to be said of it."""
    texts = _texts(item)
    return next((texts[key] for key in _SENTENCES if key in texts), "")


def name_of(item: Message) -> str:
    """What it is called; empty when that is nothing short."""
    names = (text for key, text in _texts(item).items() if key.endswith(_NAMES))
    return next((text for text in names if len(text) <= LABEL_CHARACTERS_MAX), "")


def rest_of(item: Message) -> dict[str, str]:
    """Its texts besides its name and its sentence."""
    told = {name_of(item), sentence_of(item)}
    return {key: text for key, text in _texts(item).items() if text not in told}


def _texts(item: Message) -> dict[str, str]:
    """Its texts without keys, which are there for machines."""
    texts = {key: " ".join(value.split()) for key, value in item.items() if isinstance(value, str)}
    return {key: text for key, text in texts.items() if text and not re.fullmatch(_KEYS, key)}
