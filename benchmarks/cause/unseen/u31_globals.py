class Result:
    def __init__(s,i): s.d='g'*700+str(i)
def unit(i):
    globals()[f'result_{i}']=Result(i) #C
