"""The guest in the program: takes snapshots, keeps them safe, tells what is wrong.

Nothing here raises into the program, prints in it, blocks it or reconfigures it.
"""

import logging

# Without a handler of the program's, Python would print memmon's warnings on the program's stderr.
logging.getLogger("memmon").addHandler(logging.NullHandler())
