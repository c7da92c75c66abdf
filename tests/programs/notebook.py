"""A notebook beside its kernel: runs cells, prints what each has said as JSON, and shuts the kernel down once its input ends.

A process of its own: what it leaves open is nobody's business.
"""

import json
import re
import sys

from jupyter_client import BlockingKernelClient

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def said_by(client, cell: str) -> list[str]:
    """What a cell writes, or how it fails."""
    said: list[str] = []

    def hear(message):
        content = message["content"]
        if message["msg_type"] == "stream":
            said.append(content["text"])
        if message["msg_type"] == "error":
            said.extend([content["ename"], COLOURS.sub("", "\n".join(content["traceback"]))])

    client.execute_interactive(cell, output_hook=hear, timeout=60)
    return said


def main(connection_file: str, *cells: str) -> None:
    client = BlockingKernelClient(connection_file=connection_file)
    client.load_connection_file()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    print(json.dumps([said_by(client, cell) for cell in cells]), flush=True)
    sys.stdin.read()
    client.shutdown()
    client.stop_channels()


if __name__ == "__main__":
    main(*sys.argv[1:])
