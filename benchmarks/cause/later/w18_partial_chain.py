import functools


class Step:
    def __init__(self, number):
        self.text = "s" * 400 + str(number)


STATE = {"after": None, "runs": 0}


def then(step, before):
    return step, before


def unit(number):
    STATE["runs"] += 1
    if number % 50 == 0:
        STATE[f"flow {number // 50}"] = STATE["after"]
        STATE["after"] = None
    STATE["after"] = functools.partial(then, Step(number), STATE["after"])
