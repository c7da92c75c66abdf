"""How memmon behaves inside somebody else's program."""
