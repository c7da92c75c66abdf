import enum
import uuid


class Side(enum.Enum):
    BUY = 1
    SELL = 2


class Dedup:
    def __init__(self):
        self.seen = {side: set() for side in Side}

    def is_new(self, side, key):
        if key in self.seen[side]:
            return False
        self.seen[side].add(key)
        return True


DEDUP = Dedup()


def unit(number):
    for _ in range(4):
        DEDUP.is_new(Side.SELL, f"{uuid.uuid4()}-{number}-" + "k" * 60)
