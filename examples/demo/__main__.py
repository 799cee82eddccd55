"""Runs the example workflows on a real server, kills it in the middle, and shows that nothing is missed."""

import asyncio
import sys
import tempfile
from pathlib import Path

from benchmarks._processes import Service, free_address, stretto_argv
from examples.demo.caller import Caller, Story
from examples.demo.timeline import Timeline

TEXT = (
    "Every start is durable before it is acknowledged. Every step leaves a checkpoint. Every event has a number. "
    "A watcher that was cut goes on after the last number it saw. A question waits without costing memory. "
    "The first answer wins. A killed server takes up what it had begun. What was done is not done again. "
    "A cancel is an intention that lasts. A deadline is kept. A crash is counted. A result is checked. "
    "A failed workflow can be retried. A fork leaves its source alone. A reader sees what is durable."
)
DOWN_SECONDS = 0.5
NEXT = """
Try next:
  make run                                            keep a server with these workflows on 127.0.0.1:50051
  grpcurl -plaintext 127.0.0.1:50051 list             any gRPC client will do: the server describes itself
  examples/app.py                                     how a graph is registered: one line each
"""


def main() -> None:
    """Tell the story; the exit code says whether every event was seen once."""
    with tempfile.TemporaryDirectory(prefix="stretto-demo-") as directory:
        stories = asyncio.run(_play(Path(directory)))
    print(_table(stories))
    print(NEXT)
    sys.exit(any(story.missed or story.end != "completed" for story in stories))


async def _play(directory: Path) -> list[Story]:
    """Five workflows at once, and a kill -9 while they run."""
    timeline, address = Timeline(), free_address()
    argv = stretto_argv(address, directory / "demo.db", "examples.app:app")
    server = Service(argv, address, directory / "server.log")
    caller = Caller(address, timeline)
    try:
        await server.ready()
        timeline.note(f"a server on one SQLite file listens on {address}")
        telling = asyncio.gather(
            *(caller.tell(f"digest-{number}", "digest", text=TEXT) for number in (1, 2, 3)),
            caller.tell("refund", "refund", order="A-1701"),
            caller.tell("shipment", "shipment", order="A-1701"),
        )
        await caller.halfway.wait()
        timeline.note("kill -9 of the server and all of its processes", "bad")
        server.kill()
        await asyncio.sleep(DOWN_SECONDS)
        server = Service(argv, address, directory / "server.log")
        await server.ready()
        timeline.note("the server is back on the same file; watchers go on after their last event", "good")
        caller.may_decide.set()
        return await telling
    finally:
        await caller.close()
        server.stop()


def _table(stories: list[Story]) -> str:
    """What each watcher lived through."""
    lines = [f"\n{'workflow':<11}{'ack':>9}{'first event':>14}{'took':>9}{'events':>8}{'breaks':>8}{'missed':>8}  end"]
    lines += [
        f"{story.name:<11}{story.acknowledged_ms:>6.1f} ms{story.first_event_ms:>11.1f} ms{story.seconds:>7.1f} s"
        f"{len(story.sequences):>8}{story.breaks:>8}{story.missed:>8}  {story.end}"
        for story in stories
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
