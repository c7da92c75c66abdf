class It:
    def __init__(s,i): s.d="d"*600+str(i)
import asyncio
Q=asyncio.Queue()
async def aunit(i):
    await Q.put(It(i))
    if Q.qsize()>250:
        while not Q.empty(): Q.get_nowait()
