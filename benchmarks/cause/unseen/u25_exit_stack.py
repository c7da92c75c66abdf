import contextlib
class Conn:
    def __init__(s,i): s.d='c'*700+str(i)
    def __enter__(s): return s
    def __exit__(s,*a): pass
STACK=contextlib.ExitStack()
def unit(i):
    STACK.enter_context(Conn(i)) #C
