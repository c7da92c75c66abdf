import io


class RotatingLog:
    def __init__(self, most, backups):
        self._most, self._backups, self._files = most, backups, [io.BytesIO()]

    def write(self, text):
        self._files[-1].write(text.encode())
        if self._files[-1].tell() >= self._most:
            self._files.append(io.BytesIO())
            del self._files[: -self._backups]


LOG = RotatingLog(200_000, backups=3)


def unit(number):
    LOG.write(f"{number} " + "l" * 400 + "\n")
