class Record:
    def __init__(self, number):
        self.text = "r" * 500 + str(number)


def records(clock):
    unique, number = {}, 0
    while clock():
        record = Record(number)
        unique[number] = record
        yield record
        number += 1


def main(clock):
    for record in records(clock):
        record.text.upper()
