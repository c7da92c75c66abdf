class Meta(type):
    made=[]
    def __call__(k,*a):
        one=super().__call__(*a) #C
        Meta.made.append(one) #C
        return one
class Thing(metaclass=Meta):
    def __init__(s,i): s.d='m'*700+str(i)
def unit(i): Thing(i) #C
