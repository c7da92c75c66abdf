import sys
class Mark:
    def __init__(s,i): s.d='k'*700+str(i)
def install(i):
    before,mark=sys.excepthook,Mark(i) #C
    def hook(*a):
        mark
        before(*a)
    sys.excepthook=hook
def unit(i): install(i)
