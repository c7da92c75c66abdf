class Retry(Exception): pass
class State: last=None
STATE=State()
def unit(i):
    new=Retry('x'*600+str(i)) #C
    new.__cause__=STATE.last
    STATE.last=new
