class Node:
    __slots__=('v','next')
    def __init__(s,v,n): s.v=v; s.next=n
class Linked: head=None
LIST=Linked()
def unit(i):
    LIST.head=Node('n'*600+str(i),LIST.head) #C
