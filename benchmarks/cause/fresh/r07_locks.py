import asyncio
from collections import defaultdict


class Guilds:
    locks = defaultdict(asyncio.Lock)


async def aunit(number):
    async with Guilds.locks[f"guild {number}"]:
        await asyncio.sleep(0)
