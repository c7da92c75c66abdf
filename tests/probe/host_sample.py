"""A small bot, as the walk of the host's own code meets it."""

import asyncio
import functools
import queue
import threading
from collections import OrderedDict, deque

LARGE = 5_000

unbounded = deque()
bounded = deque(maxlen=10)
bounded_large = deque(range(LARGE), maxlen=LARGE)
table = {number: str(number) for number in range(LARGE)}
ordered = OrderedDict((number, number) for number in range(LARGE))
small = list(range(10))
constant = tuple(range(LARGE))

bounded_tasks = asyncio.Queue(maxsize=LARGE)
for _number in range(LARGE):
    bounded_tasks.put_nowait(_number)
empty_tasks = asyncio.Queue()
waiting = queue.Queue()
for _number in range(LARGE):
    waiting.put(_number)
lock = threading.Condition()
pool_lock = asyncio.Lock()


class OwnQueue(asyncio.Queue):
    pass


own_queue = OwnQueue(maxsize=3)


@functools.cache
def quotes(symbol):
    return symbol


@functools.lru_cache(maxsize=10)
def few(symbol):
    return symbol


def _remember():
    memory = {}

    def remember(key):
        memory[key] = key

    for number in range(LARGE):
        remember(number)
    return remember


remembering = _remember()


class Feed:
    registry = [bytes(10) for _ in range(LARGE)]  # noqa: RUF012 - the mistake that is to be found

    def __init__(self):
        self.ticks = deque()
        self.window = deque(maxlen=5)
        self.itself = self

    @functools.cache  # noqa: B019 - the mistake that is to be found
    def lookup(self, key):
        return key

    @property
    def trap(self):
        raise RuntimeError("nothing of the host's is called")

    def __getattr__(self, name):
        raise RuntimeError("nothing of the host's is called")


class Slim:
    __slots__ = ("history", "never")

    def __init__(self):
        self.history = deque()


class Book(dict):
    def __len__(self):
        raise RuntimeError("nothing of the host's is called")

    def items(self):
        raise RuntimeError("nothing of the host's is called")


feed = Feed()
feeds = {"BTC": Feed(), 7: Slim()}
book = Book((number, number) for number in range(LARGE))
handler = feeds["BTC"].lookup
