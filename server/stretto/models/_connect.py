"""Settings become a chat model. LangChain is imported here, and only when a model is configured."""

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from stretto.models._breaker import breaker_of
from stretto.models._chat import ChatModel
from stretto.models._guard import Guard
from stretto.models.errors import ModelMisconfigured
from stretto.models.settings import ModelSettings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

_PLACEHOLDER_KEY = "none"
"""Local servers want no key, but providers' libraries do."""


@cache
def configured() -> ChatModel | None:
    """The chat model that the environment names; None where it names none. Read once in a process."""
    settings = ModelSettings.from_environment()
    return connect(settings) if settings.model else None


def connect(settings: ModelSettings) -> ChatModel:
    """The chat model of these settings. No connection is made before the first call."""
    model = _langchain_model(settings)
    guard = Guard(settings.seconds_max, settings.attempts_max, breaker_of(settings.model, settings.url))
    speaks_openai = settings.provider == "openai"
    return ChatModel(model, guard, says_why_it_ends=speaks_openai, counts_when_asked=speaks_openai)


def _langchain_model(settings: ModelSettings) -> "BaseChatModel":
    try:
        import interlock  # noqa: F401, PLC0415 - see the module's docstring
        import stamina  # noqa: F401, PLC0415
        from langchain.chat_models import init_chat_model  # noqa: PLC0415
    except ImportError as error:
        raise ModelMisconfigured(
            f"STRETTO_MODEL is {settings.model!r}, which needs a package that is not installed ({error.name}): "
            "pip install 'stretto[model]'."
        ) from None
    try:
        model: BaseChatModel = init_chat_model(settings.model, **_arguments(settings))
    except Exception as error:  # noqa: BLE001 - the edge to a provider's library, whose errors are of any kind
        told = " ".join(str(error).split())
        raise ModelMisconfigured(f"STRETTO_MODEL is {settings.model!r}, which cannot be used: {told}") from None
    return model


def _arguments(settings: ModelSettings) -> dict[str, Any]:
    """What LangChain's models understand alike, and what OpenAI's needs besides."""
    arguments: dict[str, Any] = {"timeout": settings.seconds_max, "max_retries": 0}
    if settings.url:
        arguments["base_url"] = settings.url
        if not os.environ.get(f"{settings.provider.upper()}_API_KEY"):
            arguments["api_key"] = _PLACEHOLDER_KEY
    if settings.provider == "openai":
        # Its library shares idle connections between event loops, where they break. A new one costs less than it seems:
        # idle ones last for five seconds only.
        arguments["default_headers"] = {"Connection": "close"}
    return arguments
