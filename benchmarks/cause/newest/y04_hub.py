import asyncio


class Event:
    def __init__(self, number):
        self.number, self.payload = number, {"text": "e" * 400 + str(number)}


class Hub:
    def __init__(self):
        self.clients = {}

    def join(self, name):
        self.clients[name] = asyncio.Queue()

    def publish(self, event):
        for queue in self.clients.values():
            queue.put_nowait(event)


HUB = Hub()


async def aunit(number):
    if not HUB.clients:
        HUB.join("slow")
        HUB.join("gone")
    HUB.publish(Event(number))
