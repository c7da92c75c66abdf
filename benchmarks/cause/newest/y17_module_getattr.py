import sys

_TABLES = {}


class Table:
    def __init__(self, name):
        self.name, self.rows = name, [f"{name} {number}" for number in range(10)]


def __getattr__(name):
    if not name.startswith("table_"):
        raise AttributeError(name)
    if name not in _TABLES:
        _TABLES[name] = Table(name)
    return _TABLES[name]


def unit(number):
    getattr(sys.modules[__name__], f"table_{number}")
