import asyncio
class Event:
    def __init__(s,i): s.d='v'*700+str(i)
class Bus: q=None
INBOX=asyncio.Queue()
async def aunit(i):
    await INBOX.put(Event(i)) #C
