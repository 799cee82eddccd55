"""Chat models, behind one port with its guards. None is needed: `configured()` says whether there is one."""

from stretto.models._chat import ChatModel, Message, estimated
from stretto.models._connect import configured, connect
from stretto.models._meter import Meter, Tokens, tokens_in
from stretto.models.errors import ModelMisconfigured, ModelUnavailable, Reason
from stretto.models.settings import ModelSettings

__all__ = [
    "ChatModel",
    "Message",
    "Meter",
    "ModelMisconfigured",
    "ModelSettings",
    "ModelUnavailable",
    "Reason",
    "Tokens",
    "configured",
    "connect",
    "estimated",
    "tokens_in",
]
