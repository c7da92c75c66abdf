class Tick:
    def __init__(self, number):
        self.text = "t" * 500 + str(number)


async def ticks(clock):
    history, number = [], 0
    while await clock():
        tick = Tick(number)
        history.append(tick)
        number += 1
        yield tick


async def amain(clock):
    async for tick in ticks(clock):
        tick.text.upper()
