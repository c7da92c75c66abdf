import heapq
import itertools


class Order:
    def __init__(self, number):
        self.number, self.legs = number, [f"leg {number} {one}" for one in range(6)]


class Expiry:
    REMOVED = "removed"

    def __init__(self):
        self._heap, self._live, self._count = [], {}, itertools.count()

    def add(self, order, at):
        entry = [at, next(self._count), order, True]
        self._live[order.number] = entry
        heapq.heappush(self._heap, entry)

    def cancel(self, number):
        self._live.pop(number)[-1] = False

    def expire(self, now):
        while self._heap and self._heap[0][0] <= now:
            heapq.heappop(self._heap)


EXPIRY = Expiry()


def unit(number):
    EXPIRY.add(Order(number), at=number + 1_000_000)
    if number >= 20:
        EXPIRY.cancel(number - 20)
    EXPIRY.expire(number)
