class It:
    def __init__(s,i): s.d="d"*600+str(i)
import weakref
W=weakref.WeakValueDictionary()
def unit(i): W[i]=It(i)
