import asyncio
KEEP=set()
GATE=[]
async def forgotten(i):
    data='f'*600+str(i)
    await GATE[0].wait()
async def aunit(i):
    if not GATE: GATE.append(asyncio.Event())
    KEEP.add(asyncio.ensure_future(forgotten(i))) #C
    await asyncio.sleep(0)
