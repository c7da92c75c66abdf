from collections import deque


class Window:
    __slots__ = ("stamps", "user")

    def __init__(self, user):
        self.user, self.stamps = user, deque(maxlen=20)


class Limiter:
    def __init__(self, most):
        self.most, self._windows = most, {}

    def is_allowed(self, user, now):
        window = self._windows.get(user)
        if window is None:
            window = self._windows[user] = Window(user)
        window.stamps.append(now)
        return len(window.stamps) < self.most or now - window.stamps[0] > 60


LIMITER = Limiter(20)


def unit(number):
    LIMITER.is_allowed(f"user{number * 7919 % 1_000_003}", number)
    LIMITER.is_allowed("user0", number)
