import contextvars
class Request:
    def __init__(s,i): s.d='r'*700+str(i)
NOW=contextvars.ContextVar('now')
KEPT=[]
def unit(i):
    NOW.set(Request(i)) #C
    KEPT.append(contextvars.copy_context()) #C
