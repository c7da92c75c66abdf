from collections import defaultdict
COUNTS=defaultdict(lambda: defaultdict(int))
def unit(i):
    COUNTS['user'*20+str(i)]['seen']+=1 #C
