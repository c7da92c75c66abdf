class Order:
    def __init__(self, number):
        self.number, self.text = number, "o" * 400 + str(number)


TODAY = {}
DAY = 1_100


def unit(number):
    if number % DAY == 0:
        TODAY.clear()
    TODAY[number] = Order(number)
