import heapq
class Timer:
    def __init__(s,i): s.d='e'*600+str(i)
HEAP=[]
def unit(i):
    heapq.heappush(HEAP,(i*7919%100003,i,Timer(i))) #C
