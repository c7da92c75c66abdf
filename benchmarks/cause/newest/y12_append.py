import numpy as np


class Equity:
    def __init__(self):
        self.curve = np.zeros(0)

    def add(self, values):
        self.curve = np.append(self.curve, values)


EQUITY = Equity()


def unit(number):
    EQUITY.add(np.full(100, float(number)))
