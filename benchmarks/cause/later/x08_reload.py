class Rule:
    def __init__(self, number):
        self.number, self.pattern = number, "r" * 300 + str(number)


class Config:
    def __init__(self, version):
        self.rules = [Rule(one) for one in range(200 + version % 7)]


CURRENT = Config(0)


def unit(number):
    global CURRENT
    if number % 40 == 0:
        CURRENT = Config(number)
