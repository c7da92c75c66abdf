import logging


class Memory(logging.Handler):
    def __init__(self):
        super().__init__()
        self.seen = []

    def emit(self, record):
        self.seen.append(record)


LOG = logging.getLogger("app.orders")
LOG.setLevel(logging.INFO)
LOG.propagate = False
LOG.addHandler(Memory())


def unit(number):
    LOG.info("order %d of %s", number, "c" * 300 + str(number))
