class It:
    def __init__(s,i): s.d="d"*600+str(i)
C={}
def unit(i):
    C[i]=(i+900,It(i))
    if i%150==0:
        for k in [k for k,(t,_) in C.items() if t<i]: del C[k]
