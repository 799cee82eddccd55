"""What every test needs before anything of LangGraph is imported."""

import asyncio
import os

os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"
# Readline, which pytest loads, hands a terminal's size down to the processes that test side by side, and what they run
# would print as wide as that.
os.environ.pop("COLUMNS", None)
os.environ.pop("LINES", None)
# Else an older pytest-asyncio asks for a loop that nobody closes, and a test that has nothing to do with it is warned.
asyncio.set_event_loop(None)
