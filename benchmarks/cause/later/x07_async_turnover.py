import asyncio

RUNNING = set()


async def handle(number):
    text = "h" * 500 + str(number)
    await asyncio.sleep(0)
    return text


async def aunit(number):
    task = asyncio.create_task(handle(number))
    RUNNING.add(task)
    task.add_done_callback(RUNNING.discard)
    await asyncio.sleep(0)
