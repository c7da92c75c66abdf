class It:
    def __init__(s,i): s.d="d"*600+str(i)
D={}
def unit(i):
    D.setdefault(i//300,[]).append(It(i))
    D.pop(i//300-3,None)
