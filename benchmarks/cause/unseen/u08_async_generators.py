STREAMS={}
async def stream(i):
    chunk='c'*900+str(i)
    while True: yield chunk
async def aunit(i):
    g=stream(i) #C
    await g.__anext__()
    STREAMS[i]=g
