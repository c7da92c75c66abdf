class Payload:
    def __init__(s,i): s.d='p'*800+str(i)
HOOKS=[]
def unit(i):
    p=Payload(i) #C
    HOOKS.append(lambda: p) #C
