class Model:
    __slots__ = ("__dict__", "_extra", "_fields_set")

    def __init__(self, **values):
        fields = {name for name in values if name in type(self).__annotations__}
        self.__dict__.update({name: values[name] for name in fields})
        self._extra = {name: value for name, value in values.items() if name not in fields}
        self._fields_set = fields

    def __getattr__(self, name):
        return self._extra[name]


class Message(Model):
    author: str
    text: str


class Conversation(Model):
    channel: str


CONVERSATIONS = {name: Conversation(channel=name, messages=[]) for name in ("help", "off-topic", "trades")}


def unit(number):
    message = Message(author=f"user {number % 50}", text="m" * 500 + str(number))
    CONVERSATIONS["trades"].messages.append(message)
