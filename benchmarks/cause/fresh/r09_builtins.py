import builtins


class Audit:
    def __init__(self, number):
        self.number, self.text = number, "a" * 500 + str(number)


builtins.audit_trail = []


def unit(number):
    audit_trail.append(Audit(number))
