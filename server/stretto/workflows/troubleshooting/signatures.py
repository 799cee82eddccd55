"""Signatures: what a text says of the cause of a failure."""

import re
from enum import StrEnum
from typing import Final


class Cause(StrEnum):
    """Why jobs fail, as the contract names it."""

    UNKNOWN = "CAUSE_UNSPECIFIED"
    OUT_OF_MEMORY = "CAUSE_OUT_OF_MEMORY"
    DISK_FULL = "CAUSE_DISK_FULL"
    DEPENDENCY_UNAVAILABLE = "CAUSE_DEPENDENCY_UNAVAILABLE"
    TIMEOUT = "CAUSE_TIMEOUT"
    ACCESS_DENIED = "CAUSE_ACCESS_DENIED"
    BAD_DATA = "CAUSE_BAD_DATA"
    MISSING_FILE = "CAUSE_MISSING_FILE"
    DEADLOCK = "CAUSE_DEADLOCK"
    PROGRAM_ERROR = "CAUSE_PROGRAM_ERROR"


WORDS: Final = {
    Cause.OUT_OF_MEMORY: "memory ran out",
    Cause.DISK_FULL: "a disk is full",
    Cause.DEPENDENCY_UNAVAILABLE: "something that it needs was not there",
    Cause.TIMEOUT: "something took longer than it may",
    Cause.ACCESS_DENIED: "it was not allowed to do something",
    Cause.BAD_DATA: "data was not what it should be",
    Cause.MISSING_FILE: "a file was not there",
    Cause.DEADLOCK: "two held what the other one waited for",
    Cause.PROGRAM_ERROR: "the program has a fault",
}
"""Causes as the end of a sentence: `nightly-etl failed because …`."""

CHARACTERS_MAX: Final = 10_000
"""Longer texts are read up to here; what tells of a cause is a line or two."""

_PATTERNS: Final = {
    Cause.DEADLOCK: r"""
        \bdead ?lock(?:s|ed)?\b|\b40P01\b|\bORA-00060\b|could not serialize access
    """,
    Cause.OUT_OF_MEMORY: r"""
        \bMemoryError\b|\bOOM[ -]?Kill(?:ed|er)?\b|\bOutOfMemory(?:Error|Exception)?\b|\bout[ -]of[ -]memory\b
        cannot allocate memory|\bstd::bad_alloc\b|\bENOMEM\b|java heap space|GC overhead limit exceeded
        memory limit exceeded|memory cgroup|exceed\w* (?:its |the )?(?:physical |virtual )?memory limit
        unable to allocate [\d.]+ [KMGT]?i?B|ran out of memory|\bNegsignal\.SIGKILL\b
    """,
    Cause.DISK_FULL: r"""
        no space left on device|\bENOSPC\b|\bdisk (?:is )?(?:quota|full)\b|\bEDQUOT\b
        not enough (?:disk )?space|insufficient disk space|\bout of disk(?: space)?\b|\bran out of disk\b
        file ?system (?:is )?full|database or disk is full|could not extend file
    """,
    Cause.ACCESS_DENIED: r"""
        permission denied|access (?:is )?denied|\bAccessDenied\b|\bEACCES\b|\bEPERM\b|operation not permitted
        authentication (?:failed|required)|\bunauthori[sz]ed\b|\bforbidden\b
        invalid (?:credentials|api key|token|password)|certificate (?:has )?expired|certificate verify failed
        CERTIFICATE_VERIFY_FAILED|\bPermissionError\b
        (?:password|login) (?:incorrect|failed|authentication failed)|not authori[sz]ed
        token (?:has |is )?expired|\bpermission for (?:table|schema|relation)\b|insufficient privilege
    """,
    Cause.DEPENDENCY_UNAVAILABLE: r"""
        connection (?:was )?(?:refused|reset|aborted|closed by|lost|closed unexpectedly|unexpectedly closed)
        \b\w*Disconnected\b|\bECONNREFUSED\b|\bECONNRESET\b
        name or service not known|name resolution|nodename nor servname
        could not resolve (?:host|hostname|proxy)|\bgetaddrinfo\b|\bENOTFOUND\b|no such host|no route to host
        network is unreachable|\bEHOSTUNREACH\b|could not connect to|failed to connect|unable to connect
        cannot connect|can't connect|server closed the connection|service (?:is )?(?:temporarily )?unavailable
        \bbad gateway\b|broken pipe|\bConnection(?:Refused|Reset|Aborted)?(?:Error|Exception)\b
        max retries exceeded|too many connections|the database system is (?:starting up|shutting down)
        \bNoBrokersAvailable\b|host is down
    """,
    Cause.TIMEOUT: r"""
        \b(?:timed?[ -]?out|\w*Timeout(?:Error|Exception|Expired)?)\b(?!\s*[=:]\s*\d)|\bETIMEDOUT\b
        deadline exceeded|\bDEADLINE_EXCEEDED\b|\bgateway time-?out\b
        canceling statement due to statement timeout|exceeded (?:the )?(?:time limit|maximum (?:run ?)?time)
    """,
    Cause.MISSING_FILE: r"""
        no such file or directory|\bFileNotFound(?:Error|Exception)\b|\bENOENT\b|\bNoSuchKey\b
        \bNoSuchFileException\b
        (?:file|folder|directory|path|object)(?: \S+)? (?:was |is )?(?:not found|missing|does(?: not|n't) exist)
        cannot find the (?:file|path)|\bPath does not exist
    """,
    Cause.BAD_DATA: r"""
        \bKeyError\b|\bValueError\b|could not convert|\bduplicate key\b|\bduplicate entry\b
        \bunique constraint\b|violates (?:\S+ )?(?:constraint|not-null)|column .{0,200} does not exist
        \bunknown column\b|invalid (?:input syntax|literal|date|datetime|number|json|utf-8)|\bJSONDecodeError\b
        \bUnicode(?:De|En)codeError\b|\bParserError\b|\bParseException\b|\bNumberFormatException\b
        schema mismatch|\bIntegrityError\b|\bDataError\b|value too long for type|out of range for type|malformed
        missing (?:required )?(?:column|field)|\bValidationError\b|unexpected (?:column|token)
        can(?:no|')t parse|failed to parse|cannot be parsed|null value in column
    """,
    Cause.PROGRAM_ERROR: r"""
        \b(?:Type|Attribute|Name|Index|Import|ModuleNotFound|ZeroDivision|Assertion|Syntax)Error\b
        \b(?:Indentation|Recursion|NotImplemented|UnboundLocal)Error\b
        \bNullPointerException\b|\bArrayIndexOutOfBoundsException\b|\bClassNotFoundException\b
        \bNoClassDefFoundError\b|\bIllegal(?:State|Argument)Exception\b|segmentation fault|\bSIGSEGV\b
        \bSIGABRT\b|core dumped|stack ?overflow|nil pointer dereference|\bpanic:|undefined (?:symbol|reference)
        command not found|is not a function
    """,
}
"""The first that is found is the cause, so what is sure comes before what may follow from it."""

_STATUSES: Final = {Cause.ACCESS_DENIED: "40[13]", Cause.DEPENDENCY_UNAVAILABLE: "50[23]", Cause.TIMEOUT: "504"}
"""What a status of HTTP says."""


def _compiled(cause: Cause) -> re.Pattern[str]:
    """All that tells of a cause."""
    phrases = [line.strip() for line in _PATTERNS[cause].strip().splitlines()]
    if status := _STATUSES.get(cause):
        before = r"\b(?:HTTP(?:/\d(?:\.\d)?)?|status|code|error|returned|response)(?: code)?[ :=]+"
        phrases += [rf"{before}{status}\b", rf"\b{status} (?:Client|Server) Error"]
    return re.compile("|".join(phrases), re.IGNORECASE)


_COMPILED: Final = tuple((cause, _compiled(cause)) for cause in _PATTERNS)
_EXIT_CODE: Final = re.compile(
    r"\b(?:exit(?:ed)?(?: with)?(?: the)?(?: (?:code|status|return code|non-zero code))?|return(?:ed)? code"
    r"|command exited with return code)[ :=]+(-?\d{1,3})\b",
    re.IGNORECASE,
)
_DENIED: Final = re.compile(r"\b(?:no|without|0|zero|never) (?:\w+ )?(?:errors?|timeouts?|deadlocks?)\b", re.IGNORECASE)
"""Words that name a failure to say that there is none."""

_EXITS: Final = {
    137: Cause.OUT_OF_MEMORY,  # 128 + SIGKILL, which outside of a shutdown is the kernel's when memory is short.
    -9: Cause.OUT_OF_MEMORY,
    124: Cause.TIMEOUT,  # The command `timeout`.
    126: Cause.ACCESS_DENIED,  # The shell may not execute it.
    127: Cause.PROGRAM_ERROR,  # The shell does not find the command.
    134: Cause.PROGRAM_ERROR,  # 128 + SIGABRT.
    136: Cause.PROGRAM_ERROR,  # 128 + SIGFPE.
    139: Cause.PROGRAM_ERROR,  # 128 + SIGSEGV.
    -6: Cause.PROGRAM_ERROR,
    -11: Cause.PROGRAM_ERROR,
}


def cause_of(text: str) -> Cause:
    """What a text says of the cause; unknown where it says nothing."""
    read = _DENIED.sub(" ", text[:CHARACTERS_MAX])
    for cause, pattern in _COMPILED:
        if pattern.search(read):
            return cause
    code = _EXIT_CODE.search(read)
    return cause_of_exit(int(code[1])) if code else Cause.UNKNOWN


def cause_of_exit(code: int) -> Cause:
    """What an exit code says of the cause; unknown where it says nothing."""
    return _EXITS.get(code, Cause.UNKNOWN)
