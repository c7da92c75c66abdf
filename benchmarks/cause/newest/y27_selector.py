import os
import selectors


class Peer:
    def __init__(self, number):
        self.number, self.unread = number, "p" * 5000 + str(number)


class Loop:
    def __init__(self):
        self._selector = selectors.DefaultSelector()

    def watch(self, peer):
        self._selector.register(os.eventfd(0), selectors.EVENT_READ, data=peer)


LOOP = Loop()


def unit(number):
    LOOP.watch(Peer(number))
