class Fill:
    __slots__ = ("number", "note")

    def __init__(self, number):
        self.number, self.note = number, "f" * 300 + str(number)


class Fills:
    def __init__(self):
        self._by_account = {}

    def add(self, account, day, fill):
        self._by_account.setdefault(account, {}).setdefault(day, []).append(fill)


FILLS = Fills()


def unit(number):
    FILLS.add(f"account{number % 8}", f"day{number // 40}", Fill(number))
