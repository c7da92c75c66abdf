NAMES={}
def unit(i):
    key='/user/'+'k'*300+str(i) #C
    NAMES.setdefault(key,len(NAMES)) #C
