from collections import defaultdict, deque
class Tick:
    def __init__(s,i): s.d='t'*300+str(i)
TICKS=defaultdict(deque)
def unit(i):
    TICKS[f's{i%120}'].append(Tick(i)) #C
