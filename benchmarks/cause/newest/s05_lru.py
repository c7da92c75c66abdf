from collections import OrderedDict
from functools import wraps


class Page:
    def __init__(self, number):
        self.text = "p" * 500 + str(number)


def lru(most):
    def decorate(function):
        pages = OrderedDict()

        @wraps(function)
        def cached(number):
            if number in pages:
                pages.move_to_end(number)
            else:
                pages[number] = function(number)
                if len(pages) > most:
                    pages.popitem(last=False)
            return pages[number]

        return cached

    return decorate


@lru(600)
def page(number):
    return Page(number)


def unit(number):
    page(number)
    page(max(0, number - 50))
