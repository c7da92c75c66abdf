import queue


class Connection:
    def __init__(self, number):
        self.number, self.buffer, self.seen = number, bytearray(2048), 0

    def run(self, number):
        self.seen += number


class Pool:
    def __init__(self, most):
        self._most, self._made, self._idle = most, 0, queue.LifoQueue()

    def take(self):
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            if self._made >= self._most:
                raise
            self._made += 1
            return Connection(self._made)

    def give(self, connection):
        self._idle.put(connection)


POOL = Pool(400)


def unit(number):
    wanted = min(400, 20 + number // 4)
    taken = [POOL.take() for _ in range(wanted)]
    for connection in taken:
        connection.run(number)
        POOL.give(connection)
