class Deduplicator:
    def __init__(self, topics):
        self._seen = {topic: set() for topic in topics}

    def is_new(self, topic, partition, offset, key):
        before = len(self._seen[topic])
        self._seen[topic].add((partition, offset, key))
        return len(self._seen[topic]) > before


DEDUPLICATOR = Deduplicator(["orders", "prices"])


def unit(number):
    for one in range(3):
        DEDUPLICATOR.is_new("prices", one, number, f"key {number} {one}")
