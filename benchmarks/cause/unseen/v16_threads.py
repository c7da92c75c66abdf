import threading
def unit(i):
    if i%50==0:
        t=threading.Thread(target=len,args=("t"*500,)); t.start(); t.join()
