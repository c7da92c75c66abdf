import threading
STOP=threading.Event()
class Worker(threading.Thread):
    def __init__(s,i): super().__init__(daemon=True); s.d='t'*60000+str(i)
    def run(s): STOP.wait()
WORKERS=[]
def unit(i):
    w=Worker(i) #C
    w.start(); WORKERS.append(w)
