import numpy as np

RING = [None] * 40


def unit(number):
    RING[number % 40] = np.full(2_000, float(number))[::2]
