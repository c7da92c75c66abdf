class Row:
    def __init__(s,i): s.d='h'*400+str(i)
STATS={'2026':{'11':{h:[] for h in range(24)}}}
def unit(i):
    STATS['2026']['11'][i%24].append(Row(i)) #C
