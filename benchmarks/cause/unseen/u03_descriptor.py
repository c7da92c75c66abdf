class Tick:
    def __init__(s,i): s.d='t'*700+str(i)
class Field:
    def __init__(s): s.values={}
    def __get__(s,o,k=None): return s if o is None else s.values[id(o),o.n]
    def __set__(s,o,v): s.values[id(o),o.n]=v
class Model:
    price=Field()
    def __init__(s,i): s.n=i; s.price=Tick(i) #C
def unit(i): Model(i)
