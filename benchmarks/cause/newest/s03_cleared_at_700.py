class Seen:
    def __init__(self):
        self._keys = {}

    def add(self, key):
        if len(self._keys) >= 700:
            self._keys.clear()
        self._keys[key] = {"key": key, "text": "k" * 400 + str(key)}


SEEN = Seen()


def unit(number):
    SEEN.add(number)
