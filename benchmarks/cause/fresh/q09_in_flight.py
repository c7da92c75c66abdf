import asyncio


class Call:
    def __init__(self, number):
        self.number, self.body = number, "c" * 500 + str(number)


class Client:
    def __init__(self):
        self._in_flight = {}

    def call(self, number):
        future = asyncio.get_running_loop().create_future()
        self._in_flight[number] = (Call(number), future)
        future.add_done_callback(lambda _: self._in_flight.pop(number))

    def answer(self, number):
        if number in self._in_flight:
            self._in_flight[number][1].set_result(number)


CLIENT = Client()


async def aunit(number):
    CLIENT.call(number)
    CLIENT.answer(number - 50 - number % 13)
    if number % 100 == 0:
        for late in list(CLIENT._in_flight)[:-80]:
            CLIENT.answer(late)
    await asyncio.sleep(0)
