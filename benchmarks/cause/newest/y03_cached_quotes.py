import dataclasses
import functools


@dataclasses.dataclass(frozen=True)
class Key:
    symbol: str
    at: int


class Quote:
    def __init__(self, key):
        self.bid, self.text = key.at / 3, "q" * 500 + key.symbol


@functools.cache
def quote(key):
    return Quote(key)


def unit(number):
    quote(Key(f"s{number % 40}", number))
