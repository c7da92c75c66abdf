BIG=["z"*1000+str(k) for k in range(22000)]
class It:
    def __init__(s,i): s.t=BIG; s.i=i
R=[]
def unit(i):
    R.append(It(i))
    if len(R)>1000: R.pop(0)
