from collections import UserDict


class Positions(UserDict):
    def __setitem__(self, key, value):
        super().__setitem__(str(key), value)


class Position:
    def __init__(self, number):
        self.size, self.legs = number, [f"leg {number} {one}" for one in range(8)]


POSITIONS = Positions()


def unit(number):
    POSITIONS[number] = Position(number)
