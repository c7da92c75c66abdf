class GatewayError(Exception):
    pass


class Gateway:
    def __init__(self):
        self.last = None

    def send(self, number):
        try:
            if self.last is not None:
                raise self.last
            raise GatewayError("first")
        except GatewayError:
            raise GatewayError("g" * 600 + str(number))


GATEWAY = Gateway()


def unit(number):
    try:
        GATEWAY.send(number)
    except GatewayError as error:
        GATEWAY.last = error
