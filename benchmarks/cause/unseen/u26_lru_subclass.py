from collections import OrderedDict
class Rate:
    def __init__(s,i): s.d='r'*700+str(i)
class Lru(OrderedDict):
    def __init__(s,size): super().__init__(); s.size=size
    def get_or_make(s,k):
        if k not in s: s[k]=Rate(k) #C
        s.move_to_end(k)
        return s[k]
CACHE=Lru(100)
def unit(i): CACHE.get_or_make(i)
