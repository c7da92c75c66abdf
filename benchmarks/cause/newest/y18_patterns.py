import re


class Router:
    def __init__(self):
        self._patterns = {}

    def pattern(self, text):
        if text not in self._patterns:
            self._patterns[text] = re.compile(text)
        return self._patterns[text]


ROUTER = Router()


def unit(number):
    re.purge()
    ROUTER.pattern(rf"/users/{number}/(?P<order>[0-9]+)$")
