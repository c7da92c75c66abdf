from contextlib import contextmanager


class Lease:
    def __init__(self, number):
        self.number, self.text = number, "l" * 500 + str(number)


class Locks:
    def __init__(self):
        self._held = {}

    @contextmanager
    def lease(self, number):
        lease = Lease(number)
        yield lease
        self._held.pop(number)

    def take(self, number):
        lease = self.lease(number)
        self._held[number] = lease
        return lease.__enter__()


LOCKS = Locks()


def unit(number):
    LOCKS.take(number)
