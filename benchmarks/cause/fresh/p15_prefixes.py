class Node:
    __slots__ = ("below", "routes")

    def __init__(self):
        self.below, self.routes = {}, []


class Router:
    def __init__(self):
        self._root = Node()

    def add(self, word, route):
        node = self._root
        for letter in word:
            if letter not in node.below:
                node.below[letter] = Node()
            node = node.below[letter]
        node.routes.append(route)


ROUTER = Router()


def unit(number):
    ROUTER.add(f"{number * 2_654_435_761 % 2**32:08x}", number)
