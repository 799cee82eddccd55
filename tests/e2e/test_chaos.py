"""P1-P10 and P13 under kill -9, in short; `make chaos` does the same 300 times."""

from pathlib import Path

from benchmarks.chaos.checker import check
from benchmarks.chaos.run import Plan, run

KILLS = 5


async def test_nothing_is_lost_or_doubled_over_kills(tmp_path: Path) -> None:
    outcome = await run(Plan(KILLS, seed=1, directory=tmp_path))
    assert {rule: broken for rule, broken in check(outcome.ledgers).items() if broken} == {}
    assert outcome.ledgers.rows
    assert outcome.exit_code == 0
