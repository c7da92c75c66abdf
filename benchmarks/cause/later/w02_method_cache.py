import functools


class Report:
    def __init__(self, number):
        self.number, self.rows = number, [f"row {number} {one}" for one in range(12)]

    @functools.lru_cache(maxsize=None)
    def total(self):
        return sum(len(row) for row in self.rows)


def unit(number):
    Report(number).total()
