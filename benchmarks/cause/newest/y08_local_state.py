import threading


class Message:
    def __init__(self, number):
        self.body = bytes(500) + str(number).encode()


class State(threading.local):
    def __init__(self):
        self.unsent = []


STATE = State()


def main(clock):
    number = 0
    while clock():
        STATE.unsent.append(Message(number))
        number += 1
