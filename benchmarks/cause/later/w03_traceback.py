FAILED = []


class Refused(Exception):
    pass


def parse(text):
    buffer = text * 20
    if buffer:
        raise Refused(text)


def unit(number):
    try:
        parse(f"message {number} ")
    except Refused as error:
        FAILED.append(error)
