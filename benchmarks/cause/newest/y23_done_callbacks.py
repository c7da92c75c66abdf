import asyncio
import functools


class Connection:
    def __init__(self, number):
        self.buffer = bytearray(500)

    def close(self, _):
        self.buffer.clear()


class Server:
    closing = None

    def accept(self, number):
        connection = Connection(number)
        self.closing.add_done_callback(functools.partial(Connection.close, connection))


SERVER = Server()


async def aunit(number):
    if SERVER.closing is None:
        SERVER.closing = asyncio.get_running_loop().create_future()
    SERVER.accept(number)
