import weakref

META = weakref.WeakKeyDictionary()


class Order:
    def __init__(self, number):
        self.number, self.text = number, "o" * 400 + str(number)


class Info:
    def __init__(self, order):
        self.order, self.seen = order, [order.number]


def describe(order):
    META[order] = Info(order)


def unit(number):
    describe(Order(number))
