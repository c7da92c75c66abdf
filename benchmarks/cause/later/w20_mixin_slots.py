class Audited:
    __slots__ = ("_audit",)

    def audit(self, entry):
        try:
            self._audit.append(entry)
        except AttributeError:
            self._audit = [entry]


class Entry:
    __slots__ = ("number", "text")

    def __init__(self, number):
        self.number, self.text = number, "e" * 500 + str(number)


class Account(Audited):
    __slots__ = ("balance", "name")

    def __init__(self, name):
        self.name, self.balance = name, 0

    def book(self, number):
        self.balance += number
        self.audit(Entry(number))


ACCOUNTS = (Account("main"), Account("reserve"))


def unit(number):
    ACCOUNTS[number % 2].book(number)
