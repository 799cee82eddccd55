"""What a simulated source is told to do wrong."""

import asyncio

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from tests.simulators.http import Response

_CHUNK = " " * 65_536


class Fault(BaseModel):
    """How one request goes wrong, or several alike. What is left out goes well."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(default="", description="Text in the path or the query of the requests that this holds for.")
    repeat: int = Field(default=1, ge=0, description="Requests that this holds for; 0 for all that follow.")
    delay_seconds: float = Field(default=0, ge=0, description="Time before anything is sent.")
    hang: bool = Field(default=False, description="Take the request and never answer.")
    cut: bool = Field(default=False, description="Reset the connection in the middle of the answer.")
    stall: str | None = Field(default=None, description="Send this piece of an answer and then nothing more.")
    status: int = Field(default=200, description="Answer with this status.")
    body: str | None = Field(default=None, description="Answer with this instead of what the protocol asks for.")
    size: int = Field(default=0, ge=0, description="Answer with so many bytes of white space.")

    async def spoil(self, response: Response) -> bool:
        """Do it, and say whether that was the whole answer."""
        await asyncio.sleep(self.delay_seconds)
        if self.hang:
            await response.hang()
        elif self.cut:
            await response.cut()
        elif self.stall is not None:
            response.begin("application/x-ndjson")
            await response.piece(self.stall)
            await response.hang()
        elif self.size:
            await _send_size(response, self.size)
        elif self.body is not None:
            await response.send_text(self.status, self.body, "text/html")
        elif self.status != 200:
            await response.send(self.status, {"detail": "As the simulator was told."})
        else:
            return False
        return True


class Faults:
    """The faults to come."""

    def __init__(self) -> None:
        self._ahead: list[Fault] = []

    def read(self, text: bytes) -> None:
        """Replace what is left by a JSON list of faults."""
        self._ahead = TypeAdapter(list[Fault]).validate_json(text)

    def clear(self) -> None:
        self._ahead = []

    def next(self, target: str) -> Fault:
        """The fault of the request that came; one without harm where none was told."""
        found = next((number for number, fault in enumerate(self._ahead) if fault.path in target), None)
        if found is None:
            return Fault()
        fault = self._ahead[found]
        if fault.repeat == 1:
            del self._ahead[found]
        elif fault.repeat > 1:
            self._ahead[found] = fault.model_copy(update={"repeat": fault.repeat - 1})
        return fault


async def _send_size(response: Response, size: int) -> None:
    response.begin("application/json")
    for start in range(0, size, len(_CHUNK)):
        await response.piece(_CHUNK[: size - start])
    await response.end()
