"""What a program imports that is run without memmon: it does nothing, at no cost."""


class Recorder:
    def __init__(self, *args, **options):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def __getattr__(self, name):
        return lambda *args, **options: None
