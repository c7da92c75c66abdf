B=bytearray()
def unit(i):
    B.extend(b"x"*500)
    if len(B)>200000: del B[:]
