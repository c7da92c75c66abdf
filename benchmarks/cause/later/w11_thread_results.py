import threading


class Result:
    __slots__ = ("number", "values")

    def __init__(self, number):
        self.number, self.values = number, list(range(number, number + 40))


class Worker(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.results, self.asked, self.go = [], 0, threading.Semaphore(0)
        self.is_done = threading.Semaphore(0)

    def run(self):
        while True:
            self.go.acquire()
            self.results.append(Result(self.asked))
            self.is_done.release()


def start():
    worker = Worker()
    worker.start()
    return worker


WORKERS = [start(), start()]


def unit(number):
    worker = WORKERS[number % 2]
    worker.asked = number
    worker.go.release()
    worker.is_done.acquire()
