from concurrent.futures import Future


class Follower:
    def __init__(self, number):
        self.number, self.seen = number, [number / 3 + one for one in range(25)]

    def stop(self, _):
        self.seen.clear()


class Stream:
    def __init__(self):
        self.ended = Future()

    def follow(self, follower):
        self.ended.add_done_callback(follower.stop)
        return follower.seen[-1]


STREAMS = {"btc": Stream(), "eth": Stream()}


def unit(number):
    STREAMS["eth"].follow(Follower(number))
