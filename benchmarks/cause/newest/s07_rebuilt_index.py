class Entry:
    def __init__(self, word, number):
        self.word, self.places = word, [number, number + 1, number + 2]


class Index:
    def __init__(self):
        self._entries = {}

    def rebuild(self, number):
        size = 1500 + number // 500 % 3 * 100
        self._entries = {f"word{one}": Entry("w" * 100 + str(one), one) for one in range(size)}


INDEX = Index()


def unit(number):
    if number % 500 == 0:
        INDEX.rebuild(number)
