class Order:
    def __init__(s,i): s.d='o'*700+str(i)
class Handler:
    def handle(s,i,seen={}):
        seen[i]=Order(i) #C
H=Handler()
def unit(i): H.handle(i)
