class Reply:
    def __init__(s,i): s.d='a'*700+str(i)
class Session: pass
SESSION=Session()
def unit(i):
    setattr(SESSION,f'reply_{i}',Reply(i)) #C
