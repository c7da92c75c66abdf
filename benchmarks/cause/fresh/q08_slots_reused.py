class Slot:
    __slots__ = ("owner", "rows")

    def __init__(self):
        self.owner, self.rows = None, ()


class Table:
    def __init__(self, count):
        self._slots, self._free = [Slot() for _ in range(count)], list(range(count))

    def open(self, owner):
        slot = self._slots[self._free.pop()]
        slot.owner, slot.rows = owner, [f"{owner} {one}" for one in range(5 + owner % 30)]

    def close_oldest(self):
        oldest = min((slot for slot in self._slots if slot.owner is not None), key=lambda slot: slot.owner)
        self._free.append(self._slots.index(oldest))
        oldest.owner = None


TABLE = Table(120)


def unit(number):
    if not TABLE._free:
        TABLE.close_oldest()
    TABLE.open(number)
