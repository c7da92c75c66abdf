class Child:
    __slots__ = ("buckets", "total")

    def __init__(self, buckets):
        self.buckets, self.total = [0.0] * buckets, 0.0

    def observe(self, value):
        self.total += value
        self.buckets[int(value) % len(self.buckets)] += 1.0


class Histogram:
    def __init__(self, name, buckets=15):
        self.name, self._buckets, self._children = name, buckets, {}

    def labels(self, **labels):
        key = tuple(sorted(labels.items()))
        try:
            return self._children[key]
        except KeyError:
            self._children[key] = Child(self._buckets)
            return self._children[key]


METRICS = {name: Histogram(name) for name in ("db_seconds", "http_seconds", "queue_seconds")}


def unit(number):
    METRICS["http_seconds"].labels(path=f"/orders/{number}", method="GET", status="200").observe(number % 13)
    METRICS["db_seconds"].labels(table="orders").observe(number % 7)
