"""The guest in the host program: takes snapshots, keeps them safe, tells what is wrong.

Nothing here raises into the host, prints in it, blocks it or reconfigures it.
"""

import logging

# Without a handler of the host's, Python would print memmon's warnings on the host's stderr.
logging.getLogger("memmon").addHandler(logging.NullHandler())
