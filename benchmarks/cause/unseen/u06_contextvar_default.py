import contextvars
class Span:
    def __init__(s,i): s.d='s'*700+str(i)
VAR=contextvars.ContextVar('spans',default=[])
def unit(i):
    VAR.get().append(Span(i)) #C
