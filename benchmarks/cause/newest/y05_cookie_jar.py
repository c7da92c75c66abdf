from collections import defaultdict
from http.cookies import SimpleCookie


class CookieJar:
    def __init__(self):
        self._cookies = defaultdict(SimpleCookie)

    def update_cookies(self, host, cookies):
        for name, value in cookies.items():
            self._cookies[host, "/"][name] = value


class Session:
    def __init__(self):
        self._cookie_jar = CookieJar()

    def get(self, number):
        self._cookie_jar.update_cookies(f"shard{number}.example.org", {"sid": f"session-{number}"})


SESSION = Session()


def unit(number):
    SESSION.get(number)
