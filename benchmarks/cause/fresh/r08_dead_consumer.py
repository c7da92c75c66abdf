import asyncio


class Tick:
    def __init__(self, number):
        self.number, self.text = number, "t" * 500 + str(number)


async def consume(queue):
    while True:
        _, tick = await queue.get()
        if tick.number > 10:
            raise ValueError(tick.number)


async def amain(clock):
    queue, number = asyncio.PriorityQueue(), 0
    consumer = asyncio.create_task(consume(queue))
    while await clock():
        queue.put_nowait((number, Tick(number)))
        number += 1
    await consumer
