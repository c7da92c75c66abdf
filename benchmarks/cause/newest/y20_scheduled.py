import sched
import time


class Reminder:
    def __init__(self, number):
        self.text = "r" * 500 + str(number)


class Clock:
    def __init__(self):
        self.events = sched.scheduler(time.monotonic, time.sleep)

    def remind(self, reminder):
        self.events.enter(86_400, 1, print, (reminder,))


CLOCK = Clock()


def unit(number):
    CLOCK.remind(Reminder(number))
    CLOCK.events.run(blocking=False)
