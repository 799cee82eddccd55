"""What a message is, apart from what it is about: a greeting, a question, an order to stop, a verdict."""

import re
from typing import Final, Literal

from stretto.orchestrator.understanding._offline.stems import words
from stretto.orchestrator.understanding._offline.text import Text

__all__ = [
    "act_of",
    "gives_up",
    "is_question",
    "is_statement",
    "is_wish",
    "order_to_stop",
    "wants_found_out",
    "wants_recalled",
    "wants_told",
]

Act = Literal["", "greeting", "thanks", "help", "later"]

_HELP: Final = (
    r"(help|help me|i need help|what can (you|i) (do|ask)( here| for me)?|what do you do|who are you|"
    r"how (do|can) i use (this|you)|how does (this|it) work|what (is|are) (possible|my options))( please)?"
)
_GREETING: Final = (
    r"(hi|hello|hey|hiya|howdy|greetings|good (morning|afternoon|evening|day))( there| again| everyone| all)?"
    r"( how are you( doing)?( today)?)?|how are you( doing)?( today)?"
)
_THANKS: Final = (
    r"((ok|okay|great|perfect|nice|cool|good|super) )?(thanks|thank you|thx|cheers|much appreciated)"
    r"( a lot| so much| very much| again| for .{0,60})?"
)
_LATER: Final = (
    r"((ok|okay|no|please|just) )*(not yet|wait|hold on|one moment|later|maybe( later)?|let me think( about it)?|"
    r"i (need|have|want) to think( about it)?|i am not sure|i'm not sure|i don't know|(i have )?no (idea|clue))"
    r"( yet| please)?"
)
_SMALL_TALK: Final[tuple[tuple[Act, str], ...]] = (
    ("help", _HELP),
    ("greeting", _GREETING),
    ("thanks", _THANKS),
    ("later", _LATER),
)
_GIVES_UP: Final = re.compile(
    r"((no|ok|okay|oh|please|actually|well) )*(forget (it|that|about it)|never ?mind|leave it|drop it|skip it|"
    r"cancel (that|it)|no thanks?|no thank you|not now|nothing|don't bother|stop asking|let it be|"
    r"quit|exit|bye|goodbye)"
    r"( then| please| thanks?)?"
)
_POLITE: Final = re.compile(
    r"(?:(?:please|ok|okay|hi|hello|hey|well|so|now|then|just|also|and|actually|alright|right|yes|no|thanks)\s+)*"
    r"(?:(?P<ask>(?:can|could|would|will) (?:you|we)(?: please| kindly| also| just)*|"
    r"i (?:want|need|would like|wish)(?: you)? to|i'd like(?: you)? to|let's|let us|please|"
    r"(?:can|could|may) i (?:get|have|please)|how about|what about|would you mind) ?)?"
    r"(?:please |also |just )*"
)
_ASKS: Final = frozenset(
    words("""
    what what's when when's where where's which who who's whose why why's how how's is are was were am do does did has
    have had isn't aren't didn't doesn't hasn't should shall any""")
)
_DO_A: Final = re.compile(r"do (?:an?|another|it|that)\b")
"""An order, unlike `do the workouts hurt`."""

_TELLS: Final = re.compile(
    r"(?:please |can you |could you |so |ok |and )*(?:(?:tell|show|remind|inform) (?:me|us)\b|let me (?:know|see)\b|"
    r"(?:give me |what's |send me )?(?:the |a |an |any |my |current )*"
    r"(?:status|progress|news|updates?|overview|results?)\b|i(?: want| would like|'d like) to (?:know|see|hear)\b|"
    r"i wonder\b)"
)
_RECALLS: Final = re.compile(
    r"\b(?:did i|have i|i (?:told|said|mentioned)|remember|who am i|you know (?:about )?(?:me|my))\b"
)
_FINDS_OUT: Final = re.compile(
    r"(?:find out|figure out|investigate|check|see|look into) (?:what|why|how|who|where|when|which|whether|if)\b"
)
_STATES: Final = re.compile(
    r"(?:by the way |fyi |note that |remember that |for your information |please note that |also |and |actually )*"
    r"(?:i (?:also |still |really )?(?:have|am|do not|don't|can't|cannot|only|usually|always|never|prefer|like|work|"
    r"live|own|use|just|already|currently|sometimes|mostly|\w+ (?:every|on|at|with)|"
    r"\w+ (?:\S+ ){1,4}(?:a|per|each) (?:day|week|month|year))|i'm|i've|"
    r"my \w+(?: \w+)? (?:is|are|was|hurts?)|we (?:have|are|use|work)|call me)\b"
)
_WISH: Final = re.compile(
    r"\b(?:want|need|would like|i'd like|please|can you|could you|help me|looking for|give me|"
    r"make (?:me|us|an?|another))\b"
    # Words that are nouns as well are wishes where a verb stands: `start it`, not `the start date`.
    r"|(?:^|\b(?:and|then|please|to|now|also|just|so|well|ok|okay|yes|no|hi|hello|hey) )"
    r"(?:plan|create|prepare|start(?! date)|set up|review|find out|look into|investigate|audit|check)\b"
)
_STOP: Final = frozenset({"cancel", "stop", "abort", "kill", "terminate", "halt", "end", "quit", "discard"})


def act_of(text: Text) -> Act:
    """Whether a message is small talk."""
    said = " ".join(text.words)
    return next((act for act, pattern in _SMALL_TALK if re.fullmatch(pattern, said)), "")


def gives_up(text: Text) -> bool:
    """Whether a message ends what was asked back."""
    return _GIVES_UP.fullmatch(" ".join(text.words)) is not None


def core_of(text: Text) -> tuple[str, bool]:
    """A message's words without what is there for politeness, and whether that makes it a request."""
    said = " ".join(text.words)
    match = _POLITE.match(said)
    if match is None:
        return said, False
    return said[match.end() :].strip(), bool(match["ask"])


def is_question(text: Text) -> bool:
    """Whether a message wants to know something, rather than to have something done."""
    core, asks = core_of(text)
    first = core.split(" ", 1)[0]
    if _DO_A.match(core):
        return False
    return wants_told(text) or (not asks and (first in _ASKS or text.raw.rstrip().endswith("?")))


def wants_told(text: Text) -> bool:
    """Whether a message asks to be told something, without the form of a question."""
    return bool(_TELLS.match(" ".join(text.words)))


def wants_recalled(text: Text) -> bool:
    """Whether a message asks for what its writer has said before."""
    return bool(_RECALLS.search(" ".join(text.words)))


def wants_found_out(text: Text) -> bool:
    """Whether a message has a question in it that somebody shall find the answer to: `find out why it failed`."""
    return bool(_FINDS_OUT.match(core_of(text)[0]))


def is_statement(text: Text) -> bool:
    """Whether a message tells a fact about its writer, and wants nothing."""
    said = " ".join(text.words)
    return bool(_STATES.match(said)) and not _WISH.search(said) and not text.raw.rstrip().endswith("?")


def order_to_stop(text: Text) -> str | None:
    """What a message wants to have stopped, in its words; None when it wants no such thing."""
    core, _ = core_of(text)
    first, _, rest = core.partition(" ")
    leaves = first == "quit" and not rest  # Whoever types that alone wants to leave the conversation.
    return rest if first in _STOP and not leaves else None


def is_wish(text: Text) -> bool:
    """Whether a message asks for something to be done."""
    return bool(_WISH.search(" ".join(text.words)))
