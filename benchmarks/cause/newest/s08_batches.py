class Line:
    def __init__(self, number):
        self.text = "l" * 500 + str(number)


class Batch:
    def __init__(self):
        self.lines, self.sent = [], 0

    def add(self, line):
        self.lines.append(line)
        if len(self.lines) == 1024:
            self.flush()

    def flush(self):
        self.sent += sum(len(line.text) for line in self.lines)
        self.lines = []


async def amain(clock):
    batch, number = Batch(), 0
    while await clock():
        batch.add(Line(number))
        number += 1
