import asyncio

from structlog.testing import capture_logs

from stretto.server.app.background import Background


async def test_a_fault_of_a_task_is_logged():
    async def breaks():
        raise RuntimeError("no idea")

    background = Background()
    with capture_logs() as logs:
        background.spawn(breaks())
        while not logs:
            await asyncio.sleep(0)
    assert [(line["event"], str(line["exc_info"])) for line in logs] == [("background_task_failed", "no idea")]


async def test_closing_waits_until_tasks_have_put_away_what_they_held():
    put_away = []

    async def holds():
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            put_away.append("it")

    background = Background()
    background.spawn(holds())
    await asyncio.sleep(0)
    await background.close()
    assert put_away == ["it"]
