import weakref
class Anchor: pass
class Note:
    def __init__(s,i): s.d='n'*700+str(i)
ANCHOR=Anchor()
def unit(i):
    weakref.finalize(ANCHOR,print,Note(i)) #C
