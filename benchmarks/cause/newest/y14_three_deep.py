from collections import defaultdict


class Deal:
    __slots__ = ("number", "text")

    def __init__(self, number):
        self.number, self.text = number, "d" * 500 + str(number)


DEALS = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))


def unit(number):
    DEALS[f"venue{number % 3}"][f"s{number % 5}"][f"day{number % 2}"].append(Deal(number))
