import pandas as pd


class Candles:
    def __init__(self):
        self._by_minute = {}

    def minute(self, symbol, minute):
        rows = {"open": [minute * 1.0] * 30, "close": [minute * 2.0] * 30}
        frame = pd.DataFrame(rows)
        self._by_minute[symbol, minute] = frame
        return frame


CANDLES = Candles()


def unit(number):
    CANDLES.minute("btc", number)
