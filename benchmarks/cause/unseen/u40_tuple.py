class Item:
    def __init__(s,i): s.d='q'*9000+str(i)
class State: items=()
STATE=State()
def unit(i):
    STATE.items=(*STATE.items,Item(i)) #C
