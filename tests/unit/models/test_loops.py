import asyncio

from tests.unit.models.making import model_at


async def test_a_model_serves_one_event_loop_after_another(api):
    model = model_at(api)
    for _ in range(3):
        assert await asyncio.to_thread(asyncio.run, model.write("", "Hello")) == "You said: Hello"
