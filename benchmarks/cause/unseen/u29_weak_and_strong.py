import weakref
class Doc:
    def __init__(s,i): s.d='d'*700+str(i)
DOCS=weakref.WeakValueDictionary()
PINNED=[]
def unit(i):
    d=DOCS[i]=Doc(i) #C
    PINNED.append(d)
