class It:
    def __init__(s,i): s.d="d"*600+str(i)
import collections
C=collections.OrderedDict()
def unit(i):
    C[i%5000]=It(i); C.move_to_end(i%5000)
    if len(C)>600: C.popitem(last=False)
