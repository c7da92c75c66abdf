class Entity:
    def __init__(self, key, **values):
        self.key = key
        self.__dict__.update(values)


class Order(Entity):
    pass


class UnitOfWork:
    def __init__(self):
        self._identity = {}
        self._clean = {}

    def load(self, kind, key):
        found = self._identity.get((kind, key))
        if found is None:
            found = kind(key, state="open", text="o" * 500 + str(key))
            self._identity[kind, key] = found
        return found


WORK = UnitOfWork()


def unit(number):
    WORK.load(Order, number).state = "filled"
