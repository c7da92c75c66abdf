from contextlib import AsyncExitStack


class Lease:
    def __init__(self, number):
        self.text = "l" * 500 + str(number)

    async def release(self):
        self.text = ""


async def amain(clock):
    number = 0
    async with AsyncExitStack() as stack:
        while await clock():
            lease = Lease(number)
            stack.push_async_callback(lease.release)
            number += 1
