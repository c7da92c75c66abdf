class Session:
    def __init__(self, number):
        self.text = "s" * 500 + str(number)


SESSIONS = {}


def unit(number):
    SESSIONS[number] = Session(number)
    while len(SESSIONS) > 350:
        del SESSIONS[next(iter(SESSIONS))]
