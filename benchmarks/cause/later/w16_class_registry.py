class Plugin:
    registry = {}

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        Plugin.registry.setdefault(cls.__module__, []).append(cls)


def build(number):
    class Handler(Plugin):
        """Made for each request."""

        text = "h" * 300 + str(number)

        def handle(self):
            return number

    return Handler


def unit(number):
    build(number)
