import threading
from concurrent.futures import ThreadPoolExecutor

GATE = threading.Event()


class Mail:
    def __init__(self, number):
        self.number, self.body = number, "m" * 700 + str(number)


class Mailer:
    def __init__(self):
        self._pool = ThreadPoolExecutor(1)

    def post(self, mail):
        self._pool.submit(self._send, mail)

    def _send(self, mail):
        GATE.wait()
        return mail.body


MAILER = Mailer()


def unit(number):
    MAILER.post(Mail(number))
