"""Stands for your bank: put the real call here."""

import asyncio


class BankBusyError(Exception):
    """The bank takes no transfers right now."""


async def transfer(claim_id: str, employee: str, cents: int) -> str:
    """Pay a claim once, however often this is called for it; gives back the bank's name for the transfer."""
    await asyncio.sleep(0.2)
    return f"{claim_id}: {cents / 100:.2f} to {employee}"
