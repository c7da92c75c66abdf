class Answer:
    def __init__(self, number):
        self.text = "a" * 500 + str(number)


class Cache:
    def __init__(self, most):
        self._most, self._young, self._old = most, {}, {}

    def get(self, key):
        found = self._young.get(key) or self._old.get(key)
        if found is None:
            found = Answer(key)
        self._young[key] = found
        if len(self._young) >= self._most:
            self._old, self._young = self._young, {}
        return found


CACHE = Cache(900)


def unit(number):
    CACHE.get(number)
