class Task:
    def __init__(self, number):
        self.number, self.text = number, "t" * 500 + str(number)


class Backlog:
    def __init__(self):
        self._waiting = {}

    def add(self, task):
        self._waiting[task.number] = task

    def work_off(self, count):
        for number in list(self._waiting)[:count]:
            del self._waiting[number]


BACKLOG = Backlog()


def unit(number):
    BACKLOG.add(Task(number))
    if number % 1800 >= 1000:
        BACKLOG.work_off(3)
