from collections import OrderedDict


class ByteCache:
    def __init__(self, most):
        self._most, self._held, self._pages = most, 0, OrderedDict()

    def put(self, key, page):
        self._pages[key] = page
        self._held += len(page)
        while self._held > self._most:
            _, gone = self._pages.popitem(last=False)
            self._held -= len(gone)


CACHE = ByteCache(600_000)


def unit(number):
    CACHE.put(f"page{number}", bytes(400 + number * 37 % 1600))
