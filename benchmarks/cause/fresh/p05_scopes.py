from collections import ChainMap


class Request:
    def __init__(self, number):
        self.number, self.headers = number, {"agent": "a" * 400 + str(number)}


class Template:
    def __init__(self):
        self.scope = ChainMap({"site": "bot"})

    def enter(self, request):
        self.scope = self.scope.new_child({"request": request})

    def leave(self):
        pass


TEMPLATE = Template()


def unit(number):
    TEMPLATE.enter(Request(number))
    TEMPLATE.leave()
