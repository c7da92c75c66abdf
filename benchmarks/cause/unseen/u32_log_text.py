class State: pass
STATE=State()
STATE.log=''
def unit(i):
    STATE.log+='line '*200+str(i) #C
