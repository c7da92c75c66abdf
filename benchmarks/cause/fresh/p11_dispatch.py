import functools


@functools.singledispatch
def render(value):
    return str(value)


def view_of(number):
    class View:
        template = "v" * 2000 + str(number)

    @render.register(View)
    def _render(value):
        return value.template

    return View()


def unit(number):
    render(view_of(number))
