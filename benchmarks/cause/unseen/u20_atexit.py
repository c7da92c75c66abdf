import atexit, functools
class Job:
    def __init__(s,i): s.d='a'*700+str(i)
def close(j): pass
def unit(i):
    atexit.register(functools.partial(close,Job(i))) #C
