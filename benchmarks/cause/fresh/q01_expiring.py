import heapq


class Token:
    def __init__(self, number):
        self.number, self.text = number, "t" * 500 + str(number)


class Expiring:
    def __init__(self, lasts):
        self._lasts, self._tokens, self._ends = lasts, {}, []

    def put(self, now, token):
        self._tokens[token.number] = token
        heapq.heappush(self._ends, (now + self._lasts, token.number))
        while self._ends[0][0] <= now:
            self._tokens.pop(heapq.heappop(self._ends)[1], None)


TOKENS = Expiring(lasts=450)


def unit(number):
    TOKENS.put(number, Token(number))
