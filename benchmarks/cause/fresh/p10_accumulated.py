import itertools


class Reading:
    def __init__(self, number):
        self.value, self.text = number / 3, "r" * 500 + str(number)


def collect(readings, reading):
    readings.append(reading)
    return readings


class Sensor:
    def __init__(self, name):
        self.name = name
        self._windows = itertools.accumulate(map(Reading, itertools.count()), collect, initial=[])

    def read(self):
        return next(self._windows)[-1:]


SENSORS = [Sensor("oven"), Sensor("door")]


def unit(number):
    SENSORS[0].read()
