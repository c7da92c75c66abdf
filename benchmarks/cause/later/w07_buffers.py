import ctypes


class Packet(ctypes.Structure):
    _fields_ = [("number", ctypes.c_int), ("data", ctypes.c_char * 700)]


PENDING = []


def unit(number):
    packet = Packet()
    packet.number = number
    PENDING.append(packet)
