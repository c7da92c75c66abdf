class Event:
    def __init__(self, number):
        self.number, self.text = number, "e" * 500 + str(number)


def journal():
    entries = ()

    def note(event):
        nonlocal entries
        entries = (event, entries)

    return note


note = journal()


def unit(number):
    note(Event(number))
