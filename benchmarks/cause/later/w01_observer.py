import dataclasses


@dataclasses.dataclass(slots=True)
class Subscription:
    topic: str
    payload: bytes


class Subject:
    def __init__(self):
        self.observers = {"price": [], "trade": []}

    def subscribe(self, topic, callback):
        self.observers[topic].append(callback)


SUBJECT = Subject()


class View:
    def __init__(self, number):
        self.subscription = Subscription(f"t{number}", bytes(500))
        SUBJECT.subscribe("price", self.refresh)

    def refresh(self):
        return self.subscription


def unit(number):
    View(number)
