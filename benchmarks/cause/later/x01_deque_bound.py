import collections


class Trade:
    def __init__(self, number):
        self.number, self.text = number, "t" * 500 + str(number)


LAST = collections.deque(maxlen=3_000)


def unit(number):
    LAST.append(Trade(number))
