import threading


class Job:
    def __init__(self, number):
        self.number, self.text = number, "j" * 60_000 + str(number)

    def run(self):
        self.text = ""


def remind(job):
    timer = threading.Timer(36_000, job.run)
    timer.daemon = True
    timer.start()


def unit(number):
    remind(Job(number))
