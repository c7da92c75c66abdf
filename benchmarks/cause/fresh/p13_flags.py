import enum


class Permission(enum.IntFlag, boundary=enum.KEEP):
    READ = 1
    WRITE = 2
    TRADE = 4


class User:
    def __init__(self, number):
        self.number, self.rights = number, Permission.READ

    def grant(self, mask):
        self.rights |= Permission(mask)


def unit(number):
    user = User(number)
    for one in range(4):
        user.grant((number * 4 + one) << 8)
