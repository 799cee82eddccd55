"""A graph with a language model in it, whose words are seen while it speaks. The model is LangChain's fake one."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any, TypedDict

from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from langgraph.graph import END, START, StateGraph

WORK_SECONDS = 0.25
WORD_SECONDS = 0.15
LETTER = (
    "Thank you for your letter. Your parcel was on the wrong van, and we are sorry for that. It is with the carrier "
    "now and will be with you tomorrow before noon. The cost of sending it is on us this time."
)


class Model(FakeListChatModel):
    """Speaks word by word, as real ones do."""

    async def _astream(self, *_: Any, **__: Any) -> AsyncIterator[ChatGenerationChunk]:
        for word in re.findall(r"\S+\s*", self.responses[0]):
            await asyncio.sleep(WORD_SECONDS)
            yield ChatGenerationChunk(message=AIMessageChunk(content=word))


class Reply(TypedDict, total=False):
    """What a caller gets."""

    reply: str


class State(Reply, total=False):
    """The letter, and what was found in it."""

    letter: str
    mood: str


async def read(state: State) -> State:
    """Find out how the writer feels."""
    await asyncio.sleep(WORK_SECONDS)
    return {"mood": "cross" if "!" in state["letter"] else "calm"}


async def draft(state: State) -> State:
    """Have the model write. Put a real one here, and nothing else changes."""
    answer = await Model(responses=[LETTER]).ainvoke(f"Answer this {state['mood']} letter: {state['letter']}")
    return {"reply": str(answer.content)}


builder = StateGraph(State, output_schema=Reply)
builder.add_sequence([read, draft])
builder.add_edge(START, "read")
builder.add_edge("draft", END)
graph = builder.compile()
