"""Reading this process and its host: memory, limits, the cause split, deques and components.

Everything here runs inside the program's process, so nothing in it raises, prints, blocks or takes
a lock in a finaliser; what can't be read is None.
"""
