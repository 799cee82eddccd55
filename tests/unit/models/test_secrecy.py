import pickle
import traceback

import pytest
from structlog.testing import capture_logs

from stretto.models import Reason
from tests.unit.models.making import fault_of_writing, model_at

KEY, PROMPT = "sk-very-secret", "My salary is 1234 crowns"


@pytest.mark.parametrize(
    "behaviour", [{"status": 401}, {"status": 429}, {"status": 500}, {"hang": True}, {"body": PROMPT}]
)
async def test_faults_and_logs_hold_neither_keys_nor_prompts(api, monkeypatch, behaviour):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    api.script({**behaviour, "repeat": 0})
    with capture_logs() as logs:
        fault = await fault_of_writing(model_at(api, seconds_max=1), PROMPT)
    told = "".join([repr(fault), str(fault), *traceback.format_exception(fault), *map(str, logs)])
    assert logs[-1]["event"] == "model_unavailable"
    assert KEY not in told
    assert PROMPT not in told
    assert fault.__context__ is None or "As the script says" not in str(fault.__context__)


async def test_a_fault_can_be_sent_to_another_process(api):
    api.script({"status": 401})
    fault = await fault_of_writing(model_at(api))
    twin = pickle.loads(pickle.dumps(fault))
    assert (twin.reason, twin.detail) == (Reason.REFUSED, fault.detail)
