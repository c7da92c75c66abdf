L=[]
def unit(i):
    L.append("l"*500+str(i))
    if len(L)>1000: L[:]=L[-500:]
