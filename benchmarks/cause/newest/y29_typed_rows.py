from typing import TypedDict


class Row(TypedDict):
    number: int
    symbol: str
    note: str


class Exporter:
    rows: list[Row]

    def __init__(self):
        self.rows = []

    def add(self, number):
        row: Row = {"number": number, "symbol": f"s{number}", "note": "n" * 300 + str(number)}
        self.rows.append(row)


EXPORTER = Exporter()


def unit(number):
    EXPORTER.add(number)
