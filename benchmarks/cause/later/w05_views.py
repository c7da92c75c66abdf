import numpy as np

TAILS = {}


def unit(number):
    block = np.full(1500, float(number))
    TAILS[number] = block[-3:]
