class It:
    def __init__(s,i): s.d="d"*600+str(i)
import collections
U={k:collections.deque(maxlen=50) for k in range(300)}
def unit(i): U[i%300].append(It(i))
