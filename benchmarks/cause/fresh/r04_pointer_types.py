import ctypes


class Channel:
    def __init__(self):
        self.sent = 0

    def send(self, data):
        buffer = (ctypes.c_char * len(data)).from_buffer_copy(data)
        kind = ctypes.POINTER(ctypes.c_char * len(data))
        self.sent += len(data)
        return ctypes.cast(buffer, kind)


CHANNEL = Channel()


def unit(number):
    CHANNEL.send(bytes(100 + number))
