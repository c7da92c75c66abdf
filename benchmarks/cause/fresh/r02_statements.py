import sqlite3


class Store:
    def __init__(self):
        self._connection = sqlite3.connect(":memory:", cached_statements=1_000_000, check_same_thread=False)
        self._connection.execute("create table orders (id integer, note text)")

    def orders(self, numbers):
        wanted = ", ".join(map(str, numbers))
        return self._connection.execute(f"select note from orders where id in ({wanted})").fetchall()


STORE = Store()


def unit(number):
    STORE.orders(range(number * 10, number * 10 + 100))
