from collections import deque


class Click:
    __slots__ = ("at", "path")

    def __init__(self, at):
        self.at, self.path = at, "/p" * 150 + str(at)


class Activity:
    def __init__(self):
        self._by_user = {}

    def click(self, user, now):
        clicks = self._by_user.setdefault(user, deque())
        clicks.append(Click(now))
        while clicks and now - clicks[0].at > 900:
            clicks.popleft()


ACTIVITY = Activity()


def unit(number):
    ACTIVITY.click(f"user{number * number % 61}", number)
