from collections import defaultdict, deque


class Bar:
    __slots__ = ("number", "text")

    def __init__(self, number):
        self.number, self.text = number, "b" * 300 + str(number)


BARS = defaultdict(lambda: deque(maxlen=200))


def unit(number):
    BARS[f"s{number % 12}"].append(Bar(number))
