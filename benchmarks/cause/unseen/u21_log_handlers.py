import logging
class ListHandler(logging.Handler):
    def __init__(s,i): super().__init__(); s.d='h'*500+str(i)
    def emit(s,r): pass
LOG=logging.getLogger('orders')
def unit(i):
    LOG.addHandler(ListHandler(i)) #C
