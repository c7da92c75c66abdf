class Worker:
    def __init__(self):
        self.buffer = bytearray(4096)

    def run(self, number):
        self.buffer[number % 4096] = number % 256


class Pool:
    def __init__(self):
        self.free, self.made = [], 0

    def take(self):
        if self.free:
            return self.free.pop()
        self.made += 1
        return Worker()

    def give(self, worker):
        self.free.append(worker)


POOL = Pool()


def unit(number):
    taken = [POOL.take() for _ in range(1 + number * 7919 % 240)]
    for worker in taken:
        worker.run(number)
        POOL.give(worker)
