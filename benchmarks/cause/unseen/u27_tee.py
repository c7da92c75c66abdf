import itertools
class Item:
    def __init__(s,i): s.d='i'*700+str(i)
A,B=itertools.tee(Item(i) for i in itertools.count()) #C
def unit(i): next(A)
