import collections
C=collections.Counter()
def unit(i): C[i%700]+=10**6
