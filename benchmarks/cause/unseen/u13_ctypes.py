import ctypes
BUFFERS=[]
def unit(i):
    BUFFERS.append(ctypes.create_string_buffer(2000)) #C
