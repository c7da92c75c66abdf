import functools


class Quote:
    def __init__(self, number):
        self.text = "q" * 600 + str(number)


class Api:
    @functools.lru_cache(maxsize=300)
    def quote(self, number):
        return Quote(number)


API = Api()


def unit(number):
    API.quote(number)
