import collections


class Tick:
    def __init__(self, number):
        self.price, self.size, self.venue = number * 0.5, number, "v" * 200 + str(number)


def tree():
    return collections.defaultdict(tree)


BOOK = collections.defaultdict(lambda: collections.defaultdict(list))


def unit(number):
    BOOK[f"2024-{number % 12}"][f"hour {number % 24}"].append(Tick(number))
