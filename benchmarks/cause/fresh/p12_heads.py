class Head:
    __slots__ = ("kind", "view")

    def __init__(self, frame):
        self.view = memoryview(frame)[:12]
        self.kind = self.view[0]


class Decoder:
    def __init__(self):
        self._heads = {}

    def feed(self, number, frame):
        head = self._heads[number] = Head(frame)
        return head.kind


DECODER = Decoder()


def unit(number):
    DECODER.feed(number, number.to_bytes(12, "little") + b"f" * 2000)
