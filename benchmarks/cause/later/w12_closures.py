class Undo:
    def __init__(self, text):
        self.text = text


def editor():
    done, redo = [], []

    def change(number):
        old = Undo("o" * 500 + str(number))

        def undo():
            return old

        done.append(undo)

    return change, redo


change, _ = editor()


def unit(number):
    change(number)
