class Page:
    def __init__(self, number):
        self.text = "p" * 700 + str(number)


def pages(number):
    page = Page(number)
    while True:
        yield page


class Reader:
    def __init__(self):
        self._sources = []

    def open(self, number):
        source = pages(number)
        next(source)
        self._sources.append(source)


READERS = {"a": Reader(), "b": Reader()}


def unit(number):
    READERS["a"].open(number)
