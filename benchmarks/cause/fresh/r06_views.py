class Button:
    __slots__ = ("action", "label")

    def __init__(self, number):
        self.label, self.action = f"Buy {number}", lambda: number


class View:
    def __init__(self, number):
        self.children = [Button(number + one) for one in range(3)]
        self.timeout = None


class ViewStore:
    def __init__(self):
        self._views = {}

    def add(self, view, message):
        for button in view.children:
            self._views.setdefault(message, {})[button.label] = (view, button)


class Connection:
    def __init__(self):
        self._view_store = ViewStore()


class Bot:
    def __init__(self):
        self._connection = Connection()

    def send(self, number):
        self._connection._view_store.add(View(number), number)


BOT = Bot()


def unit(number):
    BOT.send(number)
