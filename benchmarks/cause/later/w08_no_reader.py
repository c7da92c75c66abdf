import queue
import threading


class Pipeline:
    def __init__(self):
        self.jobs, self.dead_letters = queue.Queue(), queue.SimpleQueue()
        self.letters = queue.LifoQueue()
        self.done = threading.Event()


class Letter:
    def __init__(self, number):
        self.body = {"number": number, "text": "l" * 400 + str(number)}


PIPELINE = Pipeline()


def unit(number):
    PIPELINE.letters.put(Letter(number))
