"""What every test needs before anything of LangGraph is imported."""

import os

os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"
