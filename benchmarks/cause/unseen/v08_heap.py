class It:
    def __init__(s,i): s.d="d"*600+str(i)
import heapq
H=[]
def unit(i):
    heapq.heappush(H,(i,It(i)))
    if len(H)>400: heapq.heappop(H)
