"""How memmon behaves inside somebody else's program.

Shielding from what foreign code raises, a log thread of its own, locks that no signal handler can
lose, and what happens when the program forks or ends. It knows nothing of recorders: what has to
run at a fork or at the end is handed to it.
"""
