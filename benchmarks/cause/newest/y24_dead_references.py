import weakref


class Widget:
    def __init__(self, number):
        self.number = number


class Bus:
    def __init__(self):
        self._receivers = []

    def connect(self, widget):
        label = "w" * 400 + str(widget.number)

        def forget(_):
            return label

        self._receivers.append(weakref.ref(widget, forget))


BUS = Bus()


def unit(number):
    BUS.connect(Widget(number))
