import sys


class Batch:
    def __init__(self, number):
        self.rows = [f"row {number} {one}" for one in range(10)]


class Profiler:
    def __init__(self):
        self._samples = []

    def sample(self):
        self._samples.append(sys._getframe(1))


PROFILER = Profiler()


def work(number):
    batch = Batch(number)
    PROFILER.sample()
    return len(batch.rows)


def unit(number):
    work(number)
