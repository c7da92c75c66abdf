class It:
    def __init__(s,i): s.d="d"*600+str(i)
def rows():
    n=0
    while True:
        yield [It(n) for _ in range(20)]; n+=1
G=rows()
def unit(i): next(G)
