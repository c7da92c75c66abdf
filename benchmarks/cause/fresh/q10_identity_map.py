import weakref
from collections import deque


class User:
    def __init__(self, number):
        self.number, self.name = number, "u" * 500 + str(number)
        self.orders = []


class Session:
    def __init__(self):
        self._identity, self._recent = weakref.WeakValueDictionary(), deque(maxlen=350)

    def get(self, number):
        user = self._identity.get(number)
        if user is None:
            user = self._identity[number] = User(number)
        self._recent.append(user)
        return user


SESSION = Session()


def unit(number):
    SESSION.get(number)
    SESSION.get(number // 2)
