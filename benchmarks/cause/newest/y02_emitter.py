class Emitter:
    def __init__(self):
        self._listeners = {}

    def on(self, event, listener):
        self._listeners.setdefault(event, []).append(listener)
        return listener

    def emit(self, event, *values):
        for listener in self._listeners.get(event, ()):
            listener(*values)


EMITTER = Emitter()


class Request:
    def __init__(self, number):
        self.number, self.body = number, "b" * 600 + str(number)


def handle(request):
    def answered(value):
        return request.body, value

    EMITTER.on("answer", answered)


def unit(number):
    handle(Request(number))
