class Done:
    def __init__(s,i): s.d='z'*400+str(i)
class Worker:
    def __init__(s): s.done=set()
    def work(s,i): s.done.add(Done(i)) #C
POOL=[Worker() for _ in range(25)]
def unit(i): POOL[i%25].work(i)
