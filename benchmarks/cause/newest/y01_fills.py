import dataclasses
from collections import deque
from typing import ClassVar


@dataclasses.dataclass(slots=True)
class Fill:
    order: str
    price: float
    note: str


class Blotter:
    fills: ClassVar[deque[Fill]] = deque()

    @classmethod
    def record(cls, fill):
        cls.fills.append(fill)


def unit(number):
    Blotter.record(Fill(f"o{number}", number / 7, "f" * 600 + str(number)))
