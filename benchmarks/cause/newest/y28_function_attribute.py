class Call:
    def __init__(self, number):
        self.arguments = (number, "c" * 500 + str(number))


def traced(function):
    def wrapper(number):
        wrapper.calls.append(Call(number))
        return function(number)

    wrapper.calls = []
    return wrapper


@traced
def price(number):
    return number / 7


def unit(number):
    price(number)
