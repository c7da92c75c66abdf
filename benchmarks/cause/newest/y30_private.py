class Ticket:
    def __init__(self, number):
        self.text = "t" * 500 + str(number)


class Desk:
    def __init__(self):
        self.__tickets = []

    @property
    def tickets(self):
        return self.__tickets

    def open(self, number):
        self.tickets.append(Ticket(number))


DESKS = {"london": Desk()}


def unit(number):
    DESKS["london"].open(number)
