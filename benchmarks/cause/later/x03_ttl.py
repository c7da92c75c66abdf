class Cache:
    def __init__(self, lasts):
        self.lasts, self.entries = lasts, {}

    def put(self, now, value):
        self.entries[now] = value
        if now % 100 == 0:
            for key in [key for key in self.entries if key < now - self.lasts]:
                del self.entries[key]


CACHE = Cache(300)


def unit(number):
    CACHE.put(number, {"number": number, "text": "c" * 400 + str(number)})
