class RejectedError(Exception):
    pass


class Journal:
    def __init__(self):
        self.errors_of_day = {}

    def note(self, day, error):
        self.errors_of_day.setdefault(day, []).append(error)


JOURNAL = Journal()


def send(number):
    rejected = [RejectedError("r" * 400 + str(number)), ValueError(number)]
    raise ExceptionGroup(f"batch {number}", rejected)


def unit(number):
    try:
        send(number)
    except* RejectedError as error:
        JOURNAL.note("today", error)
    except* ValueError:
        pass
