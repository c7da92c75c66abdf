import pandas as pd


class Store:
    history = []

    @classmethod
    def keep(cls, frame):
        cls.history.append(frame)


def unit(number):
    frame = pd.DataFrame({"price": [float(number)] * 300, "size": [number] * 300})
    Store.keep(frame)
