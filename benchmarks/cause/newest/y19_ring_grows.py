class Sample:
    def __init__(self, number):
        self.value, self.label = number / 3, "s" * 500 + str(number)


class Ring:
    def __init__(self, bound):
        self.bound, self.start, self.rows = bound, 0, []

    def push(self, row):
        if len(self.rows) >= self.bound:
            self.bound += self.bound // 2
        self.rows.append(row)


RING = Ring(100)


def unit(number):
    RING.push(Sample(number))
