import weakref


class Node:
    def __init__(self, number):
        self.text = "n" * 600 + str(number)
        self.me = self.describe

    def describe(self):
        return self.text


LIVE = weakref.WeakSet()
KEEP = weakref.WeakKeyDictionary()


class Owner:
    pass


OWNER = Owner()


def unit(number):
    node = Node(number)
    LIVE.add(node)
    KEEP.setdefault(OWNER, []).append(node)
