import sqlite3


class Row:
    def __init__(self, number, text):
        self.number, self.text = number, text


class Gateway:
    def __init__(self):
        self.connection = sqlite3.connect(":memory:", check_same_thread=False)
        self.connection.execute("create table t (a, b)")
        self.open_results = []

    def ask(self, number):
        rows = [
            Row(*one) for one in self.connection.execute("select ?, ?", (number, "t" * 600 + str(number)))
        ]
        self.open_results.append(rows)


GATEWAY = Gateway()


def unit(number):
    GATEWAY.ask(number)
