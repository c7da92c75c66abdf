import io
import logging


class Console:
    def __init__(self):
        self.log = logging.getLogger("console")
        self.log.propagate = False
        self.log.setLevel(logging.INFO)
        self.log.addHandler(logging.StreamHandler(io.StringIO()))

    def say(self, text):
        self.log.info(text)


CONSOLE = Console()


def unit(number):
    CONSOLE.say("c" * 600 + str(number))
