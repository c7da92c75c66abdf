import asyncio


class Request:
    def __init__(self, number):
        self.number, self.body = number, "b" * 600 + str(number)


class Client:
    def __init__(self):
        self.replies = {}

    def send(self, request):
        future = asyncio.get_running_loop().create_future()
        self.replies[request.number] = (request, future)
        return future


CLIENT = Client()


async def aunit(number):
    try:
        await asyncio.wait_for(asyncio.shield(CLIENT.send(Request(number))), 0)
    except asyncio.TimeoutError:
        pass
