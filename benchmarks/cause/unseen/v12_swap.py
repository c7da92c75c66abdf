class It:
    def __init__(s,i): s.d="d"*600+str(i)
S={"a":[],"b":[]}
def unit(i):
    S["a"].append(It(i))
    if len(S["a"])>=450: S["b"],S["a"]=S["a"],[]
