import logging

LOG = logging.getLogger("orders")


class RequestFilter(logging.Filter):
    def __init__(self, number):
        super().__init__()
        self.number, self.context = number, {"user": "u" * 300 + str(number)}

    def filter(self, record):
        record.user = self.context["user"]
        return True


def unit(number):
    LOG.addFilter(RequestFilter(number))
