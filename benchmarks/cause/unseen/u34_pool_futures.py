from concurrent.futures import ThreadPoolExecutor
POOL=ThreadPoolExecutor(2)
FUTURES=[]
def work(i): return 'w'*900+str(i)
def unit(i):
    FUTURES.append(POOL.submit(work,i)) #C
