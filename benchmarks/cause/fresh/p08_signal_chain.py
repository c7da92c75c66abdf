import signal


class Cleanup:
    def __init__(self, number):
        self.text = "c" * 600 + str(number)

    def run(self):
        self.text = ""


def on_reload(cleanup):
    before = signal.getsignal(signal.SIGUSR1)

    def handler(number, frame):
        cleanup.run()
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGUSR1, handler)


def unit(number):
    on_reload(Cleanup(number))
