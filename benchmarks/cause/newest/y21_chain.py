import itertools


class Row:
    def __init__(self, number):
        self.text = "r" * 500 + str(number)


class Source:
    def __init__(self):
        self.rows = iter(())

    def add(self, rows):
        self.rows = itertools.chain(rows, self.rows)


SOURCE = Source()


def unit(number):
    SOURCE.add([Row(number)])
