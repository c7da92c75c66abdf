import bisect
from typing import NamedTuple


class Level(NamedTuple):
    price: float
    number: int
    owner: str


LEVELS: list[Level] = []


def place(number):
    level = Level(number * 37 % 1000 / 7, number, "o" * 500 + str(number))
    bisect.insort(LEVELS, level)


def unit(number):
    place(number)
