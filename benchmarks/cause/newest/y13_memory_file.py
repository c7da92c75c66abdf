import io


class Audit:
    def __init__(self):
        self.file = io.BytesIO()

    def write(self, text):
        self.file.write(text.encode())


AUDIT = Audit()


def unit(number):
    AUDIT.write(f"{number} " + "a" * 600 + "\n")
