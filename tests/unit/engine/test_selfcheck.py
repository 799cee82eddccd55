"""A LangGraph that tells nothing of its steps is refused."""

import pytest

from stretto.server.domain.errors import RegistrationError
from stretto.server.engine import observer
from stretto.server.engine.selfcheck import check_langgraph


async def test_the_installed_langgraph_tells_of_its_steps():
    await check_langgraph()


async def test_a_langgraph_that_does_not_is_refused(monkeypatch):
    monkeypatch.setattr(observer, "_namespace_of_step", lambda *_: None)
    with pytest.raises(RegistrationError, match="does not tell of its steps"):
        await check_langgraph()
