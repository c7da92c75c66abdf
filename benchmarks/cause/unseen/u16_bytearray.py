class Conn:
    def __init__(s): s.buffer=bytearray()
    def feed(s,b): s.buffer.extend(b) #C
CONN=Conn()
def unit(i): CONN.feed(b'z'*900)
