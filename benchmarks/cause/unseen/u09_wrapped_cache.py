import functools
class Page:
    def __init__(s,i): s.d='w'*800+str(i)
def timed(f):
    @functools.wraps(f)
    def inner(*a): return f(*a)
    return inner
@timed
@functools.cache
def fetch(i): return Page(i) #C
def unit(i): fetch(i)
