class Token:
    def __init__(self, number):
        self.made_at, self.text = number, "t" * 500 + str(number)


class Tokens:
    def __init__(self):
        self._tokens = {}

    def issue(self, now):
        self._tokens[f"t{now}"] = Token(now)
        if now % 250 == 0:
            gone = [key for key, token in self._tokens.items() if now - token.made_at > 800]
            for key in gone:
                del self._tokens[key]


TOKENS = Tokens()


def unit(number):
    TOKENS.issue(number)
