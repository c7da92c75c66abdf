import random


class Symbol:
    def __init__(self, name):
        self.name, self.rules = name, {"tick": 0.01, "text": "s" * 500 + name}


class Catalogue:
    def __init__(self):
        self._symbols = {}

    def get(self, name):
        if name not in self._symbols:
            self._symbols[name] = Symbol(name)
        return self._symbols[name]


CATALOGUE = Catalogue()
CHOICE = random.Random(7)


def unit(number):
    CATALOGUE.get(f"sym{CHOICE.randrange(900)}")
