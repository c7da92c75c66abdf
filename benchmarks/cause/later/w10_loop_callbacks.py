import asyncio


class Job:
    def __init__(self, number):
        self.text = "j" * 500 + str(number)

    def run(self):
        return self.text


async def aunit(number):
    asyncio.get_running_loop().call_later(36_000, Job(number).run)
